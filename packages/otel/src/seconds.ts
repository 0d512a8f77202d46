import type { MetricOptions } from '@opentelemetry/api'

/**
 * A histogram of seconds, from a local store's tenth of a millisecond to the time-outs.
 *
 * @see OpenTelemetry semantic conventions, Instrument Units; Metrics API, Instrument advisory parameters
 */
export function seconds(description: string): MetricOptions {
  const explicitBucketBoundaries = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
  ]
  return { description, unit: 's', advice: { explicitBucketBoundaries } }
}
