import type { Session } from '@sess/core'
import type { Outcome, ParallelWrites, SignOutRace } from './experiments.ts'
import { formToken } from './form.ts'
import { type Html, html } from './html.ts'
import type { DemoData } from './sessions.ts'

/** A word to the visitor, or nothing. */
export function noticeLine(outcome: Outcome | null): Html {
  return html`${outcome?.kind === 'notice' && html`<p class="notice" role="status">${outcome.text}</p>`}`
}

/** The two experiments, and what came of the last one. */
export function pressurePanel(session: Session<DemoData>, outcome: Outcome | null): Html {
  const { state } = session
  const token = formToken(session)
  const disabled = state !== 'authenticated' && html` disabled`
  return html`<section class="panel pressure" id="pressure">
<h2>Under pressure</h2>
<div class="experiments">
<div>
<form id="parallel-writes" method="post" action="/parallel-writes">${token}<button class="primary"${disabled}>20 parallel writes</button></form>
<p class="hint">Twenty requests over all five servers load this session, wait, and save it at once: each its own key, and all of them one counter.</p>
</div>
<div>
<form id="sign-out-race" method="post" action="/sign-out-race">${token}<button class="primary"${disabled}>Sign out mid-request</button></form>
<p class="hint">A slow request is in flight on another server and will save a note. Meanwhile you sign out here.</p>
</div>
</div>
${result(state, outcome)}
</section>`
}

function result(state: string, outcome: Outcome | null): Html | false {
  if (outcome?.kind === 'parallel-writes') return arrived(outcome)
  if (outcome?.kind === 'sign-out-race') return stayedOut(outcome)
  return state !== 'authenticated' && html`<p class="hint needs">Both need somebody who is signed in.</p>`
}

function arrived({ writes, counterBefore, counterAfter, tookMs }: ParallelWrites): Html {
  const count = writes.filter((write) => write.arrived).length
  const complete = count === writes.length && counterAfter === counterBefore + count
  return html`<div class="outcome" data-ok="${String(complete)}" role="status">
<p><b>${count} of ${writes.length} arrived</b> in ${tookMs} ms. Counter: ${counterBefore} → ${counterAfter}.</p>
<ol class="lamps" aria-hidden="true">${writes.map(
    (write) => html`<li data-server="${write.by}" data-arrived="${String(write.arrived)}" title="${write.by}"></li>`,
  )}</ol>
<p class="legend" aria-hidden="true">${[...new Set(writes.map(({ by }) => by))].map(
    (name) => html`<span data-server="${name}">${name}</span> `,
  )}</p>
</div>`
}

function stayedOut(race: SignOutRace): Html {
  const alive = race.replays.filter(({ state }) => state !== 'anonymous')
  const held = alive.length === 0 && race.status === 409
  const verdict = alive.length === 0 ? 'You stay signed out.' : 'The session came back to life.'
  const replays =
    alive.length === 0
      ? html`<b>anonymous</b> everywhere`
      : alive.map(({ by, state }) => html`<b>${state}</b> on ${by} `)
  return html`<div class="outcome" data-ok="${String(held)}" role="status">
<p><b>${verdict}</b></p>
<ol class="timeline">
${moment('before', html`A slow request begins on ${race.slow}, signed in.`)}
${moment('0 ms', html`You sign out on ${race.quick}.`)}
${moment(`${race.signedOutMs} ms`, html`You are signed out.`)}
${moment(`${race.answeredMs} ms`, html`The slow request tries to save: <b>${race.status} ${race.code}</b>.`)}
${moment('after', html`The old cookie, tried on all five: ${replays}.`)}
</ol>
</div>`
}

function moment(when: string, what: Html): Html {
  return html`<li><span>${when}</span><p>${what}</p></li>`
}
