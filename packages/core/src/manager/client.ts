import { sidDigester } from '../crypto/sid-digest.ts'
import { assess, drift } from '../kernel/fingerprint.ts'
import type { Fingerprint, SessionRecord } from '../kernel/record.ts'
import type { Engine } from './engine.ts'

/** What a request shows of its client, as far as it is compared. Nothing but `classes` may be kept as it is. */
export interface Client {
  /** Browser, system and language: features that tell little and cost nothing. */
  readonly classes: Fingerprint
  /** Network, autonomous system and country, by kind: `4`, `6`, `asn`, `country`. */
  places(): Readonly<Record<string, string>>
  /** The whole address, if it is bound. */
  address(): string | null
  /** The application's own signals, and `agent` for a User-Agent of no known family. */
  marks(): Readonly<Record<string, string>>
}

/** Everything about the client that may be kept with the session of this sid; null if there is nothing. */
export function fingerprintOf(client: Client | null, sid: string): Fingerprint | null {
  if (client === null) return null
  const digest = sidDigester(sid, 'fingerprint')
  const address = client.address()
  const places = Object.entries(client.places()).map(([kind, text]) => `${kind}.${digest(`${kind}.${text}`)}`)
  const marks = Object.entries(client.marks()).map(([name, text]) => [name, digest(`mark.${name}.${text}`)] as const)
  const found: Fingerprint = {
    ...client.classes,
    ...(places.length > 0 && { places }),
    ...(address !== null && { address: digest(`address.${address}`) }),
    ...(marks.length > 0 && { marks: Object.fromEntries(marks) }),
  }
  return Object.keys(found).length === 0 ? null : found
}

/**
 * What the kernel has to compare. Digests cost more than the rest of the judgement, so they are left out where they could not
 * change it: when what is digested weighs too little by itself, and nothing else has changed.
 */
export function observedBy(
  engine: Engine,
  client: Client | null,
  sid: string,
  record: SessionRecord | null,
): Fingerprint | null {
  const baseline = record?.fingerprint ?? null
  if (client === null || baseline === null) return null
  const { digestsMatter } = engine.client
  if (!digestsMatter && assess(baseline, client.classes, engine.policy).score === 0) return client.classes
  return fingerprintOf(client, sid)
}

/** The record with the client's harmless changes taken in: see {@link drift}. */
export function drifted(engine: Engine, record: SessionRecord, client: Client | null, sid: string): SessionRecord {
  const baseline = record.fingerprint
  if (baseline === null) return record
  const observed = fingerprintOf(client, sid)
  if (observed === null) return record
  return { ...record, fingerprint: drift(baseline, observed, engine.policy) }
}
