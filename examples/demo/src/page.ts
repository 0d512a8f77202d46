import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Demo, DemoRequest } from './actions.ts'
import { devicesPanel } from './devices.ts'
import type { Outcome } from './experiments.ts'
import { Html, html } from './html.ts'
import { dataPanel, sessionPanel, visitorPanel } from './panels.ts'
import { noticeLine, pressurePanel } from './pressure.ts'
import type { Reply } from './reply.ts'
import { LIMITS } from './sessions.ts'

const STYLE = asset('page.css')
const SCRIPT = asset('page.js')

/** Only this style and this script, no matter what a name or a note contains. @see CSP Level 3 §2.3.1 */
const POLICY = [
  "default-src 'none'",
  `style-src '${STYLE.hash}'`,
  `script-src '${SCRIPT.hash}'`,
  "connect-src 'self'",
  "form-action 'self'",
  'img-src data:',
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The one page of the demo. It reads the session and changes nothing. */
export async function page(demo: Demo, request: DemoRequest, outcome: Outcome | null): Promise<Reply> {
  const { framework, session } = request
  const devices = await devicesPanel(demo, session)
  return document({
    framework,
    title: session.subject === null ? `sess demo on ${framework}` : `${session.subject} · sess demo on ${framework}`,
    content: html`<main data-handle="${session.handle ?? ''}" data-refused="${session.refused ?? ''}" data-live="${session.subject === null ? '' : session.handle}">
${banner(demo, request)}
${noticeLine(outcome)}
<div class="panels">
${visitorPanel(session)}
${sessionPanel(session, demo.clock.now())}
${dataPanel(session)}
${devices}
${pressurePanel(session, outcome)}
</div>
</main>
${lifecycle(demo, session.handle)}`,
  })
}

export function errorPage(status: number, message: string, code = ''): Reply {
  const content = html`<main class="error"><p class="eyebrow">${status} ${code}</p><h1>${message}</h1>
<p><a class="button" href="/">Back to the page</a></p></main>`
  return document({ framework: '', title: `${status} · sess demo`, content, status })
}

function banner({ servers }: Demo, { framework, headers }: DemoRequest): Html {
  const host = String(headers.host ?? '').replace(/:\d+$/, '')
  return html`<header class="banner">
<p class="eyebrow"><strong>sess</strong> demo</p>
<h1>Answered by <em>${framework}</em></h1>
<p class="lead">Five servers in one process share one session. Sign in on any of them and you are signed in on all.</p>
<nav aria-label="The same page on the other servers">
${servers.map(({ name, origin }) => {
  const { port } = new URL(origin)
  const current = name === framework && html` aria-current="page"`
  return html`<a data-server="${name}" href="http://${host}:${port}/"${current}><b>${name}</b> <small>:${port}</small></a>`
})}
</nav>
</header>`
}

function lifecycle({ events, summary }: Demo, handle: string | null): Html {
  return html`<section class="lifecycle" id="lifecycle" data-last="${events.last}" aria-labelledby="lifecycle-title">
<header>
<h2 id="lifecycle-title">Lifecycle events</h2>
<p>All sessions of this process<span class="yours">, <i></i> yours</span>. <span class="live">As of this page; with scripts on it is live.</span></p>
</header>
<ol tabindex="0" aria-label="Lifecycle events, newest first">${events.items(handle)}</ol>
<p class="empty">Nothing has happened yet. A visitor who only looks leaves no session behind.</p>
</section>
<footer>
<p>Short limits, so that you can watch: idle ${LIMITS.idle}, absolute ${LIMITS.absolute}, a new token every ${LIMITS.rotateEvery} of use.
${summary}</p>
</footer>`
}

interface Document {
  readonly framework: string
  readonly title: string
  readonly content: Html
  readonly status?: number
}

function document({ framework, title, content, status = 200 }: Document): Reply {
  const text = html`<!doctype html>
<html lang="en" data-server="${framework}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='3' fill='%23c2410c'/%3E%3C/svg%3E">
<style>${STYLE.content}</style>
</head>
<body>
${content}
<script type="module">${SCRIPT.content}</script>
</body>
</html>
`
  return {
    status,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': POLICY,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
    },
    body: text.toString(),
  }
}

function asset(name: string): { readonly content: Html; readonly hash: string } {
  const text = readFileSync(new URL(`../public/${name}`, import.meta.url), 'utf8')
  return { content: new Html(text), hash: `sha256-${createHash('sha256').update(text).digest('base64')}` }
}
