import type { Session } from '@sess/core'
import { formToken } from './form.ts'
import { type Html, html } from './html.ts'
import type { DemoData } from './sessions.ts'
import { whyLine } from './why.ts'

type DemoSession = Session<DemoData>

/** Who is signed in, and everything that can be done about it. */
export function visitorPanel(session: DemoSession): Html {
  const content = { anonymous: signedOut, authenticated: signedIn, locked }[session.state](session)
  return html`<section class="panel who">${content}</section>`
}

function signedOut({ previous }: DemoSession): Html {
  return html`<h2>Nobody is signed in</h2>
${previous !== null && whyLine(previous.reason)}
<form id="sign-in" method="post" action="/sign-in">
<label for="subject">Your name</label>
<div class="row">
<input id="subject" name="subject" required maxlength="40" autocomplete="username" autocapitalize="none" placeholder="Any name will do">
<button class="primary">Sign in</button>
</div>
</form>
<p class="hint">No password: this demo is about what happens after it.</p>`
}

function signedIn(session: DemoSession): Html {
  const { subject, auth } = session
  const button = buttons(session)
  const proof = html`Proved by ${auth?.methods.join(' and ')} at ${clock(auth?.at)}, level <b>${auth?.level}</b>.`
  return html`${identity(subject, html`${subject} is signed in`, proof)}
<div class="actions">
${button('sign-out', 'Sign out', 'Ends the session for every token of it.', 'primary')}
${button('step-up', 'Step up', 'Proves your identity again: level 2 and a new token.')}
${button('rotate', 'Rotate token', 'A new token now; the old one is dead at once.')}
${button('lock', 'Lock', 'Known, but may not act until proved again.')}
</div>`
}

function locked(session: DemoSession): Html {
  const { lockedSubject } = session
  const button = buttons(session)
  const meaning = html`The session is known, but reads as signed out until ${lockedSubject} unlocks it.`
  return html`${identity(lockedSubject, html`Locked`, meaning)}
<div class="actions">
${button('step-up', 'Unlock', 'Reauthenticates: the session goes on with a new token.', 'primary')}
${button('sign-out', 'Sign out', 'Ends the session for every token of it.')}
</div>`
}

function buttons(session: DemoSession) {
  const token = formToken(session)
  return (action: string, label: string, title: string, style = ''): Html =>
    html`<form id="${action}" method="post" action="/${action}">${token}<button class="${style}" title="${title}">${label}</button></form>`
}

function identity(name: string | null, title: Html, hint: Html): Html {
  const initial = [...(name ?? '')][0]?.toUpperCase()
  return html`<div class="identity"><p class="avatar" aria-hidden="true">${initial}</p>
<div><h2>${title}</h2><p class="hint">${hint}</p></div></div>`
}

const STATES = ['anonymous', 'authenticated', 'locked', 'ended'] as const

/** What the session is, and when it is over. */
export function sessionPanel(session: DemoSession, now: number): Html {
  const { handle, generation, previous } = session
  const state = handle === null && previous !== null ? 'ended' : session.state
  return html`<section class="panel session">
<h2>The session</h2>
<ol class="states" aria-label="State">${STATES.map(
    (name) => html`<li${name === state && html` aria-current="true"`}>${name}</li>`,
  )}</ol>
<dl>
<dt>Deadlines</dt><dd>${deadlines(session, now)}</dd>
<dt>Handle</dt><dd>${handle === null ? NONE : html`<code class="handle">${handle}</code>`}</dd>
<dt>Generation</dt><dd>${generation === null ? NONE : html`<b class="generation">${generation}</b> <span class="hint">counts token rotations</span>`}</dd>
</dl>
</section>`
}

const NONE = html`<span class="hint">none</span>`

function deadlines({ createdAt, lastSeenAt, idleAt, absoluteAt }: DemoSession, now: number): Html {
  if (createdAt === null || lastSeenAt === null || idleAt === null || absoluteAt === null) {
    return html`<span class="hint">none: a visitor without data costs no record and no cookie</span>`
  }
  return html`${deadline('Idle', lastSeenAt, idleAt, now)}${deadline('Absolute', createdAt, absoluteAt, now)}`
}

function deadline(label: string, from: number, at: number, now: number): Html {
  const left = Math.max(at - now, 0)
  return html`<p class="deadline">
<span>${label}</span>
<time datetime="${new Date(at).toISOString()}" title="until ${clock(at)}" data-countdown>${countdown(left)}</time>
<progress aria-label="${label} time left" max="${at - from}" value="${left}"></progress>
</p>`
}

/** Time left as `4:07` or `1:00:00`. */
export function countdown(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':')
}

function clock(at: number | undefined): string {
  return at === undefined ? '' : new Date(at).toTimeString().slice(0, 8)
}

/** What the application keeps in the session. */
export function dataPanel(session: DemoSession): Html {
  const { note = '', counter = 0 } = session.data
  const token = formToken(session)
  return html`<section class="panel data">
<h2>Its data</h2>
${
  session.state === 'locked'
    ? html`<p class="hint">Hidden while the session is locked.</p>`
    : html`<form id="note-form" method="post" action="/note">${token}
<label for="note">A note</label>
<div class="row"><input id="note" name="note" maxlength="200" value="${note}" placeholder="Nothing noted"><button>Save</button></div>
</form>
<form id="count" method="post" action="/count">${token}
<label for="counter">A counter</label>
<div class="row"><output class="counter" id="counter">${counter}</output><button>Add one</button></div>
</form>
<p class="hint">Works before you sign in, too. Note and counter come along then, because the demo says so.</p>`
}
</section>`
}
