// Makes the page live. Without it everything works too: forms post, links lead, times stand still.
const lifecycle = document.querySelector('#lifecycle')
const list = lifecycle?.querySelector('ol')
/** Events after which the page may look different. Refusals are none of them: a refresh could cause the next one. */
const CHANGES = new Set(['created', 'signed-in', 'ended', 'rotated', 'reauthenticated', 'locked'])

/** Time left as `4:07` or `1:00:00`. @param {number} ms */
function countdown(ms) {
  const seconds = Math.ceil(ms / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, index) => (index === 0 ? `${part}` : `${part}`.padStart(2, '0'))).join(':')
}

function tick() {
  for (const time of document.querySelectorAll('time[data-countdown]')) {
    const left = Math.max(Date.parse(time.getAttribute('datetime') ?? '') - Date.now(), 0)
    time.textContent = countdown(left)
    const bar = time.parentElement?.querySelector('progress')
    if (bar) bar.value = left
    if (left === 0) {
      time.removeAttribute('data-countdown')
      refreshSoon(200)
    }
  }
}

/** How many answers have been shown. */
let shown = 0

/** Puts the answer's `<main>` in place of this one; keeps scroll position and focus. @param {string} html */
function show(html) {
  const next = new DOMParser().parseFromString(html, 'text/html')
  const main = next.querySelector('main')
  if (main === null) return
  shown += 1
  const focused = document.activeElement?.closest('main [id]')?.id
  document.querySelector('main')?.replaceWith(main)
  document.title = next.title
  keepWhy()
  const again = focused && (document.querySelector(`#${focused} button`) ?? document.querySelector(`#${focused}`))
  if (again instanceof HTMLElement) again.focus()
  markOwn()
  tick()
  follow()
}

/** Why the last session is over, as markup: the server says it once, and the page until somebody signs in. */
let why = ''

function keepWhy() {
  const form = document.querySelector('#sign-in')
  const said = document.querySelector('.why')
  if (!form) why = ''
  else if (said) why = said.outerHTML
  else form.insertAdjacentHTML('beforebegin', why)
}

/** Forms that were submitted and not answered yet. They go one after the other, so that none is lost. */
let submitting = 0
let lastSubmission = Promise.resolve()

document.addEventListener('submit', (event) => {
  const form = event.target
  if (!(form instanceof HTMLFormElement)) return
  event.preventDefault()
  const fields = /** @type {[string, string][]} */ ([...new FormData(form)])
  submitting += 1
  form.toggleAttribute('data-busy', true)
  lastSubmission = lastSubmission
    .then(() => submit(form.action, new URLSearchParams(fields)))
    .catch(() => location.reload())
    .finally(() => {
      submitting -= 1
      form.removeAttribute('data-busy')
    })
})

/** @param {string} address @param {URLSearchParams} body */
async function submit(address, body) {
  const response = await fetch(address, { method: 'POST', body })
  const html = await response.text()
  const { pathname } = new URL(response.url)
  history.replaceState(null, '', pathname === '/' ? response.url : '/')
  show(html)
}

/** Whether this is no moment to change the page: a form is on its way, a text half typed, a button half pressed. */
function isBusy() {
  const typing = document.activeElement
  if (typing instanceof HTMLInputElement && typing.value !== typing.defaultValue) return true
  return submitting > 0 || document.querySelector('main :active') !== null
}

/** The session may have changed in another tab, on another server. */
async function refresh() {
  if (document.hidden) return
  if (isBusy()) return refreshSoon(1000)
  const address = new URL(location.href)
  address.searchParams.set('refresh', '')
  const before = shown
  try {
    const html = await (await fetch(address)).text()
    // Something was typed meanwhile, or a newer answer overtook this one.
    if (isBusy() || shown !== before) return refreshSoon(1000)
    show(html)
    // The token changed while this request was on its way: the browser has the new one by now.
    if (document.querySelector('main')?.dataset.refused) refreshSoon(1000)
  } catch {
    // The server is gone; the event stream comes back when it does.
  }
}

let timer = 0
/** @param {number} ms */
function refreshSoon(ms) {
  clearTimeout(timer)
  timer = setTimeout(refresh, ms)
}

function markOwn() {
  const own = document.querySelector('main')?.dataset.handle
  for (const item of document.querySelectorAll('#lifecycle li')) {
    const { handle } = /** @type {HTMLElement} */ (item).dataset
    item.classList.toggle('own', Boolean(handle) && handle === own)
  }
}

/** @type {EventSource | undefined} */
let stream
/** The session that the stream belongs to, if somebody is signed in. */
let followed = ''
/** The last event seen. */
let last = lifecycle instanceof HTMLElement ? (lifecycle.dataset.last ?? '') : ''

/** The stream is one session's, so another session gets another one. */
function follow() {
  const live = document.querySelector('main')?.dataset.live ?? ''
  if (stream && live === followed) return
  followed = live
  stream?.close()
  listen()
}

function listen() {
  if (!(lifecycle instanceof HTMLElement) || !list) return
  stream = new EventSource(`/events?after=${last}`)
  const status = lifecycle.querySelector('.live')
  const say = (/** @type {boolean} */ live) => {
    lifecycle.classList.toggle('connected', live)
    if (status) status.textContent = live ? 'Live.' : 'Reconnecting …'
  }
  stream.onopen = () => say(true)
  stream.onerror = () => say(false)
  // Signed out here, in another tab, on another server, or past a deadline: the page says why, and the browser connects anew.
  stream.addEventListener('over', ({ data }) => {
    why = data.slice(data.indexOf('\n') + 1)
    if (submitting === 0) document.querySelector('.who')?.insertAdjacentHTML('afterbegin', why)
    refreshSoon(0)
  })
  stream.onmessage = ({ data, lastEventId }) => {
    last = lastEventId
    list.insertAdjacentHTML('afterbegin', data)
    while (list.children.length > 50) list.lastElementChild?.remove()
    markOwn()
    if (CHANGES.has(list.firstElementChild?.getAttribute('data-type') ?? '')) refreshSoon(150)
  }
}
addEventListener('pagehide', () => stream?.close())

document.addEventListener('visibilitychange', () => document.hidden || refreshSoon(0))
setInterval(tick, 1000)
tick()
keepWhy()
follow()
