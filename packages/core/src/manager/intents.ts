import type { Changes, Draft } from '../data/draft.ts'
import type { Proof } from '../kernel/reauthenticate.ts'
import type { EndedReason } from '../kernel/record.ts'
import type { Visit } from './visit.ts'

/** What may be said about a sign-in. */
export interface SignInOptions {
  /** Keys of the data to keep, instead of the `carry` option. Nothing is carried from one subject to another. */
  readonly carry?: readonly string[]
  /** The cookie outlives the browser, up to the absolute deadline. Default false. */
  readonly persistent?: boolean
  /** How the user proved who they are, e.g. `['password', 'totp']`. */
  readonly methods?: readonly string[]
  /** The assurance level reached, as the application counts it. */
  readonly level?: number
  /** A name for lists of sessions, kept if the `device` option is on. */
  readonly deviceName?: string
}

/** What a call asks of the session it is meant for; `rotate` is a hard one. */
export type Step =
  | { readonly type: 'rotate' }
  | ({ readonly type: 'reauthenticate' } & Proof)
  | { readonly type: 'lock' }

/** A sign-in that the next commit carries out, and what it took over from. */
export interface SignInIntent {
  readonly subject: string
  readonly options: SignInOptions
  readonly carry: readonly string[]
  readonly before: Draft
  readonly stepsBefore: readonly Step[]
}

/** What the next commit has to do, besides data. */
export interface Pending {
  /** End the session this request came with. */
  end: EndedReason | null
  signIn: SignInIntent | null
  /** In the order of the calls; for the new session if there is a sign-in. */
  steps: Step[]
}

/** What one commit carries out. The visit's own intents and draft may move on while it runs. */
export interface Work {
  readonly visit: Visit
  readonly intents: Pending
  readonly draft: Draft
  readonly changes: Changes
}
