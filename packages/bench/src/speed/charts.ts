import type { SpeedReport } from './report.ts'
import type { Timed } from './rounds.ts'
import { SIZES } from './subject.ts'

const SCHEMA = 'https://vega.github.io/schema/vega-lite/v6.json'
const OURS = '#c2410c'
const OTHERS = '#64748b'

const colour = { condition: { test: "datum.library === 'sess'", value: OURS }, value: OTHERS }

/** The charts of a report, as Vega-Lite, by the names of their files. */
export function chartsOf(report: SpeedReport): Record<string, object> {
  const { cells, throughput } = report
  return {
    ...(cells && { reads: readsChart(cells), sizes: sizesChart(cells) }),
    ...(throughput && { throughput: throughputChart(throughput) }),
  }
}

const inProcess = ({ framework, store }: Timed): boolean =>
  framework !== 'core' && (store === 'memory' || store === 'cookie')

/** What a read adds, by framework: a bar each, and a line from quartile to quartile. */
function readsChart(cells: readonly Timed[]): object {
  const values = cells
    .filter((cell) => inProcess(cell) && cell.request === 'read' && cell.bytes === 100)
    .map(({ framework, library, store, added }) => ({ framework, library, name: `${library} (${store})`, ...added }))
  const y = { field: 'name', type: 'nominal', sort: { field: 'median' }, title: null, axis: { labelLimit: 220 } }
  const x = (field: string) => ({ field, type: 'quantitative', title: 'µs of CPU time added to a read, 100 B of data' })
  return {
    $schema: SCHEMA,
    background: 'white',
    data: { values },
    facet: { row: { field: 'framework', title: null, sort: ['express', 'fastify', 'koa', 'hono'] } },
    resolve: { scale: { y: 'independent' } },
    spec: {
      width: 420,
      height: { step: 18 },
      layer: [
        { mark: 'bar', encoding: { y, x: x('median'), color: colour } },
        { mark: { type: 'rule', strokeWidth: 2 }, encoding: { y, x: x('from'), x2: { field: 'to' } } },
      ],
    },
  }
}

/** What a request adds that carries a session and does not look at it, by the size of the data. */
function sizesChart(cells: readonly Timed[]): object {
  const values = cells
    .filter((cell) => inProcess(cell) && cell.request === 'unread')
    .map(({ framework, library, store, bytes, added }) => ({
      ...{ framework, library, name: `${library} (${store})`, bytes },
      added: Math.max(added.median, 1),
    }))
  const scale = { type: 'log', domain: [SIZES[0], SIZES.at(-1)] }
  const line = {
    x: { field: 'bytes', type: 'quantitative', title: 'bytes of data, carried and unread', scale },
    y: { field: 'added', type: 'quantitative', title: 'µs of CPU time added', scale: { type: 'log' } },
    detail: { field: 'name' },
    color: colour,
  }
  return {
    $schema: SCHEMA,
    background: 'white',
    data: { values },
    facet: { field: 'framework', title: null, sort: ['express', 'fastify', 'koa', 'hono'] },
    columns: 2,
    spec: {
      width: 260,
      height: 180,
      layer: [
        { mark: { type: 'line', point: true }, encoding: line },
        {
          transform: [
            { window: [{ op: 'last_value', field: 'bytes', as: 'last' }], groupby: ['name'], frame: [null, null] },
            { filter: 'datum.bytes === datum.last' },
          ],
          mark: { type: 'text', align: 'right', dy: -9, fontSize: 10 },
          encoding: { ...line, text: { field: 'library' } },
        },
      ],
    },
  }
}

function throughputChart(throughput: NonNullable<SpeedReport['throughput']>): object {
  const values = throughput.flatMap(({ framework, withSess, withFloor, without }) => [
    { framework, app: 'a middleware that does nothing', library: 'none', ...without },
    { framework, app: 'a middleware that does the floor', library: 'none', ...withFloor },
    { framework, app: 'sess', library: 'sess', ...withSess },
  ])
  const y = { field: 'app', type: 'nominal', title: null }
  const x = (field: string) => ({ field, type: 'quantitative', title: 'requests per second, over HTTP' })
  return {
    $schema: SCHEMA,
    background: 'white',
    data: { values },
    facet: { row: { field: 'framework', title: null } },
    spec: {
      width: 420,
      height: { step: 18 },
      layer: [
        { mark: 'bar', encoding: { y, x: x('median'), color: colour } },
        { mark: { type: 'rule', strokeWidth: 2 }, encoding: { y, x: x('from'), x2: { field: 'to' } } },
      ],
    },
  }
}
