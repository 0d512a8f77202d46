import type { EndingReason, Previous } from '@sess/core'
import { type Html, html } from './html.ts'

type Reason = Previous['reason'] | EndingReason

/** What a session's end means to the one it belonged to: who did it, and why. */
const WHY: Readonly<Record<Reason, string>> = {
  idle: 'You were away for a while.',
  absolute: 'Please sign in again from time to time.',
  evicted: 'You have signed in elsewhere, and only so many devices may be signed in.',
  revoked: 'You were signed out from another of your devices.',
  credential: 'Your password has changed.',
  reuse: 'A copy of your session turned up. It may have been stolen.',
  fingerprint: 'Your session turned up in another browser.',
  invalid: 'Your session could not be read any more.',
  'signed-out': 'You have signed out.',
  replaced: 'You have signed in again.',
  locked: 'Your session is locked.',
  gone: 'The demo does not know your session any more.',
}

/** Says it, in one line of markup: to the page that is loaded next, and to one that is open. */
export function whyLine(reason: Reason): Html {
  return html`<p class="hint why" role="status">Your last session is over: <b>${reason}</b>. ${WHY[reason]}</p>`
}
