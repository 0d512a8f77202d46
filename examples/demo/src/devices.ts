import type { ListedSession, Session } from '@sess/core'
import type { Action, Demo } from './actions.ts'
import { SIGN_IN_FIRST } from './experiments.ts'
import { formToken } from './form.ts'
import { type Html, html } from './html.ts'
import { seeOther } from './reply.ts'
import type { DemoData } from './sessions.ts'

type DemoSession = Session<DemoData>

/** More are not shown: anybody may sign in as anybody here, as often as they like. */
const SHOWN = 20

/** The sessions of whoever is signed in, and a button for each way of ending them; nothing for others. */
export async function devicesPanel({ sessions, clock }: Demo, session: DemoSession): Promise<Html> {
  const { subject, handle } = session
  if (subject === null) return html``
  const devices: ListedSession[] = []
  for await (const device of sessions.list(subject, { current: handle })) devices.push(device)
  devices.sort(byUse)
  const token = formToken(session)
  const now = clock.now()
  return html`<section class="panel devices" aria-labelledby="devices-title">
<header>
<h2 id="devices-title">Your devices</h2>
<div class="row">
${endingForm('end-others', 'Sign out all others', token, devices.length < 2)}
${endingForm('end-all', 'Sign out everywhere', token)}
</div>
</header>
<ul>${devices.slice(0, SHOWN).map((device) => row(device, now, token))}</ul>
${devices.length > SHOWN && html`<p class="hint">And ${devices.length - SHOWN} more.</p>`}
</section>`
}

/** This device first, then those that were used last. */
function byUse(one: ListedSession, other: ListedSession): number {
  return Number(other.current) - Number(one.current) || other.lastSeenAt - one.lastSeenAt
}

function row({ handle, state, device, current, lastSeenAt }: ListedSession, now: number, token: Html): Html {
  const name = device?.name ?? 'Unknown device'
  const seen = current ? html`<b>this device</b>` : `last used ${ago(now - lastSeenAt)}`
  return html`<li data-device="${handle}">
<div><p>${name}</p><p class="hint">${device?.ip ?? 'unknown address'} · ${seen}${state === 'locked' && ' · locked'}</p></div>
<form id="end-${handle}" method="post" action="/devices/end">${token}
<input type="hidden" name="handle" value="${handle}"><button aria-label="Sign out ${name}${current && ', this device'}">Sign out</button></form>
</li>`
}

function endingForm(action: string, label: string, token: Html, disabled = false): Html {
  return html`<form id="${action}" method="post" action="/devices/${action}">${token}<button${disabled && html` disabled`}>${label}</button></form>`
}

function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return 'just now'
  return minutes === 1 ? 'a minute ago' : `${minutes} minutes ago`
}

/** Ends one session of the visitor's own subject: a handle of somebody else's ends nothing. */
export const endDevice: Action = async ({ sessions, outcomes }, { session, form }) => {
  const { subject, handle } = session
  const wanted = form.get('handle') ?? ''
  if (subject === null) return seeOther(outcomes.keep(SIGN_IN_FIRST))
  if (wanted === handle) {
    session.signOut()
    return seeOther('/')
  }
  const over = await sessions.end(wanted, { subject })
  return over ? seeOther('/') : seeOther(outcomes.keep({ kind: 'notice', text: 'You have no such device.' }))
}

/** Ends all sessions of the visitor's subject but this one. */
export const endOtherDevices: Action = async ({ sessions, outcomes }, { session }) => {
  const { subject, handle } = session
  if (subject === null) return seeOther(outcomes.keep(SIGN_IN_FIRST))
  const ended = await sessions.endAll(subject, { except: handle })
  const text = `${ended === 1 ? 'One other device is' : `${ended} other devices are`} signed out now.`
  return seeOther(outcomes.keep({ kind: 'notice', text }))
}

/** Ends all of them, and has this browser forget its cookie. */
export const endAllDevices: Action = async ({ sessions, outcomes }, { session }) => {
  const { subject } = session
  if (subject === null) return seeOther(outcomes.keep(SIGN_IN_FIRST))
  await sessions.endAll(subject)
  session.signOut()
  return seeOther('/')
}
