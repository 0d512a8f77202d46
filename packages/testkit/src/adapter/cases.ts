import { accountCases } from './accounts.ts'
import { acknowledgementCases } from './acknowledgement.ts'
import { actingCases } from './acting.ts'
import { actingAtOnceCases } from './acting-at-once.ts'
import { afterHeadersCases } from './after-headers.ts'
import type { AdapterCase } from './app.ts'
import { cachingCases } from './caching.ts'
import { carryCases } from './carry.ts'
import { commitCases } from './commit.ts'
import { concurrencyCases } from './concurrency.ts'
import { cookieCases } from './cookies.ts'
import { credentialCases } from './credential.ts'
import { csrfCases } from './csrf.ts'
import { csrfProfileCases } from './csrf-profiles.ts'
import { failureCases } from './failure.ts'
import { fingerprintCases, ipBindingCases } from './fingerprint.ts'
import { flashCases } from './flash.ts'
import { formTokenCases } from './form-tokens.ts'
import { guessingCases } from './guessing.ts'
import { isolationCases } from './isolation.ts'
import { limitCases } from './limits.ts'
import { liveCases } from './live.ts'
import { livingCases } from './living.ts'
import { outcomeCases } from './outcome.ts'
import { persistentCases } from './persistent.ts'
import { provenanceCases } from './provenance.ts'
import { receivedCookieCases } from './received-cookies.ts'
import { rotationCases } from './rotation.ts'
import { secrecyCases } from './secrecy.ts'
import { signInCases } from './sign-in.ts'
import { signOutCases } from './sign-out.ts'
import { siteDataCases } from './site-data.ts'
import { stepUpCases } from './step-up.ts'
import { strictWriteCases } from './strict-writes.ts'
import { timeCases } from './time.ts'
import { tokenTableCases } from './token-table.ts'
import { transportCases } from './transport.ts'
import { valueCases } from './values.ts'

/**
 * What every adapter promises, over real sockets: `register(adapterCases, () => subject, { it })`. The kit owns the store and
 * the clock of every case; only the framework is yours.
 */
export const adapterCases: readonly AdapterCase[] = [
  ...cookieCases,
  ...receivedCookieCases,
  ...cachingCases,
  ...transportCases,
  ...siteDataCases,
  ...provenanceCases,
  ...csrfCases,
  ...csrfProfileCases,
  ...formTokenCases,
  ...isolationCases,
  ...strictWriteCases,
  ...signInCases,
  ...carryCases,
  ...signOutCases,
  ...concurrencyCases,
  ...rotationCases,
  ...tokenTableCases,
  ...timeCases,
  ...stepUpCases,
  ...persistentCases,
  ...actingCases,
  ...actingAtOnceCases,
  ...flashCases,
  ...commitCases,
  ...afterHeadersCases,
  ...outcomeCases,
  ...failureCases,
  ...acknowledgementCases,
  ...valueCases,
  ...livingCases,
  ...liveCases,
  ...accountCases,
  ...limitCases,
  ...credentialCases,
  ...secrecyCases,
  ...fingerprintCases,
  ...ipBindingCases,
  ...guessingCases,
]
