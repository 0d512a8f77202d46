import type {
  Admission,
  Admitted,
  ReadOptions,
  Scannable,
  SessionRecord,
  SubjectEntry,
  SubjectIndex,
  WriteOptions,
} from '@sess/core'
import { ScriptedStore } from './scripted-store.ts'

/** A scripted store that knows the sessions of a subject. */
export class IndexedStore extends ScriptedStore implements SubjectIndex, Scannable {
  /** Announced and not created. */
  readonly announced: Map<string, { readonly subject: string; readonly at: number }> = new Map()
  readonly marked: Set<string> = new Set()
  readonly admissions: Admission[] = []

  /** The entries of a subject as they are now. */
  entries(subject: string): SubjectEntry[] {
    const records = [...this.records.values()].filter((record) => record.subject === subject)
    const announced = [...this.announced].filter(([id, entry]) => entry.subject === subject && !this.records.has(id))
    return [...records.map((record) => ({ id: record.id, record })), ...announced.map(([id]) => ({ id, record: null }))]
  }

  async *listBySubject(subject: string, _: number, options?: ReadOptions): AsyncGenerator<SubjectEntry> {
    const list = () => structuredClone(this.entries(subject))
    yield* await this.answer({ operation: 'list', id: subject }, options, list)
  }

  admit(admission: Admission, options?: WriteOptions): Promise<Admitted> {
    this.admissions.push(admission)
    return this.answer({ operation: 'admit', id: admission.id }, options, () => this.#admit(admission))
  }

  async *scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    yield* await this.answer({ operation: 'scan', id: '' }, options, () => structuredClone([...this.records.values()]))
  }

  #admit({ subject, id, at, abandonedBefore, limit, uncounted, victims }: Admission): Admitted {
    const live = this.entries(subject).filter((entry) => entry.record?.state !== 'ended')
    const evicted = () => live.map((entry) => entry.id).filter((each) => this.marked.has(each))
    const here = (entry: SubjectEntry) =>
      (this.announced.get(entry.id)?.at ?? at) >= abandonedBefore || entry.record !== null
    const counted = live.filter((entry) => !this.marked.has(entry.id) && !uncounted.includes(entry.id) && here(entry))
    if (counted.some((entry) => entry.id === id)) return { ok: true, evicted: evicted() }
    const excess = counted.length + 1 - limit
    if (excess > 0 && victims === null) return { ok: false, evicted: evicted() }
    const handles = counted.map((entry) => entry.id)
    const named = (victims ?? []).filter((victim) => handles.includes(victim))
    for (const victim of [...new Set([...named, ...handles])].slice(0, Math.max(excess, 0))) this.marked.add(victim)
    this.announced.set(id, { subject, at })
    return { ok: true, evicted: evicted() }
  }
}
