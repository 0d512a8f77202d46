import autocannon from 'autocannon'

/**
 * Requests per second that a server answers, and its answers other than 200.
 * @param {string} url @param {Record<string, string>} headers @param {number} seconds
 */
export async function load(url, headers, seconds) {
  const result = await autocannon({ url, headers, duration: seconds, connections: 32, sampleInt: 250 })
  return { perSecond: result['2xx'] / result.duration, failures: result.non2xx + result.errors }
}
