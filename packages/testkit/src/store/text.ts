import type { SessionRecord } from '@sess/core'
import { type Case, deepEqual } from '../case.ts'
import { survives } from './fields.ts'
import type { StoreSubject } from './subject.ts'

/** Text that breaks naive quoting, patterns, keys and objects. */
export const HOSTILE: readonly string[] = [
  '',
  ' ',
  'trailing space ',
  'null',
  '0',
  'true',
  `'; DROP TABLE sessions; --`,
  `"quoted" \\ 'quoted' \`quoted\``,
  '%s %d %00 $1 ? :name @x {{x}} $(x)',
  '*?[a-z]{hash}tag',
  'line\r\nbreak\ttab',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  'a:b|c,d;e=f&g',
]

/** Text that breaks naive encodings and comparisons. */
export const UNICODE: readonly string[] = [
  'Zoë',
  'Zoe\u0308',
  'ǅ İı ß',
  '👩‍👩‍👧‍👦🏳️‍🌈',
  '漢字 עברית ไทย',
  '\u202Eright-to-left',
  '\uFEFFbom\uFFFD\uFFFF',
  '𝄞',
]

/** Text that no encoding, query or key scheme of a store may alter. */
export const textCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/keeps-hostile-text',
    title: 'keeps quotes, metacharacters and look-alikes of other types in subject and data',
    level: 'must',
    run: async (subject) => {
      for (const text of HOSTILE) await survives(subject, subject.record({ subject: text, data: text }), text)
    },
  },
  {
    id: 'store/keeps-unicode',
    title: 'keeps every code point, normalized or not, in subject, data, device and extra',
    level: 'must',
    run: async (subject) => {
      for (const text of UNICODE) {
        const everywhere = {
          subject: text,
          data: JSON.stringify(text),
          device: { name: text },
          extra: { [text]: text },
        }
        await survives(subject, subject.record(everywhere), text)
      }
    },
  },
  {
    id: 'store/keeps-escapes',
    title: 'keeps JSON text whose escapes stand for NUL and lone surrogates',
    level: 'must',
    run: async (subject) => {
      const data = JSON.stringify({
        nul: '\u0000',
        high: '\uD800',
        low: '\uDC00',
        swapped: '\uDC00\uD800',
        slash: '\\',
      })
      await survives(subject, subject.record({ data }), 'data')
    },
  },
  {
    id: 'store/keeps-or-refuses-odd-text',
    title:
      'keeps a raw NUL or lone surrogate in subject or data as it is, or refuses the record; it never stores another text',
    level: 'must',
    run: async (subject) => {
      for (const text of ['admin\u0000guest', '\u0000', 'a\uD800', 'a\uDC00b']) {
        await keptOrRefused(subject, subject.record({ subject: text }))
        await keptOrRefused(subject, subject.record({ data: text }))
      }
    },
  },
  {
    id: 'store/keeps-long-subjects',
    title: 'keeps a subject of 1 KB, to its last character',
    level: 'must',
    run: async (subject) => {
      const long = 'x'.repeat(1023)
      await survives(subject, subject.record({ subject: `${long}a` }), 'a long subject')
      await survives(subject, subject.record({ subject: `${long}b` }), 'another one')
    },
  },
  {
    id: 'store/keeps-large-data',
    title: 'keeps 1 MB of data',
    level: 'should',
    run: async (subject) => {
      await survives(subject, subject.record({ data: JSON.stringify('0123456789abcdé'.repeat(65_536)) }), '1 MB')
    },
  },
]

async function keptOrRefused({ store }: StoreSubject, record: SessionRecord): Promise<void> {
  const created = await store.create(record).catch(() => false)
  deepEqual(await store.get(record.id), created ? record : null, JSON.stringify([record.subject, record.data]))
}
