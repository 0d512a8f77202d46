import { ValueError } from '../errors.ts'
import { type Fragments, joinFragments, splitFragments } from './document.ts'
import { Imprint } from './imprint.ts'
import type { DataShape } from './shape.ts'

/** A function that makes the new value of a key from the old one; `undefined` deletes the key. It may run more than once. */
export type Updater = (value: unknown) => unknown

/** What one request did to one top-level key. `text: null` is a deletion; `was` is what the request had seen there. */
export type Change =
  | { readonly type: 'set'; readonly text: string | null; readonly was: string | null }
  | {
      readonly type: 'update'
      readonly from?: string | null
      readonly updaters: readonly Updater[]
      readonly chain?: Chain
    }

/** The changed top-level keys of one request: what is re-applied when somebody else wrote meanwhile. */
export type Patch = ReadonlyMap<string, Change>

/** The update functions called on one key, with no plain change among them; `from` is one that came before. */
interface Chain {
  readonly from?: string | null
  readonly updaters: Updater[]
  result: string | null
}

/** The changes of a draft. */
export interface Changes {
  readonly patch: Patch
  /** The stored text that the draft is a view of. */
  readonly base: string
  /** The view's own text: `base` with the patch, unless others' changes have been merged behind the view's back. */
  readonly text: string
  /** Whether `text` is the whole truth about `base`. */
  readonly whole: boolean
  /** `text`, taken apart; null where nobody has touched the data. */
  readonly parts: Fragments | null
}

const NOTHING: Patch = new Map()

/** The application's view of the data during one request, and what it changed. Parsed when first read. */
export class Draft {
  readonly #shape: DataShape
  readonly #version: string | undefined
  readonly #chains = new Map<string, Chain>()
  #text: string
  #view: Record<string, unknown> | null = null
  /** Fragments to compare with; null until needed. */
  #baseline: Fragments | null = null
  /** Of the view as it was opened, where that is what is stored; null also once something was committed. */
  #imprint: Imprint | null = null
  /** What the view showed when it was opened, where that is not what is stored: migrated data. */
  #opened: Fragments | null = null
  /** The view lacks what an earlier commit of this request merged in. */
  #partial = false

  constructor(text: string, shape: DataShape, version?: string) {
    this.#text = text
    this.#shape = shape
    this.#version = version
  }

  get view(): Record<string, unknown> {
    this.#view ??= this.#open()
    return this.#view
  }

  update(key: string, updater: Updater): void {
    const chain = this.#chainOn(key, this.#encode(key))
    assign(this.view, key, updater(this.view[key]))
    chain.updaters.push(updater)
    chain.result = this.#encode(key)
    this.#chains.set(key, chain)
  }

  /** What has changed; throws {@link ValueError} for what cannot be stored. */
  changes(): Changes {
    if (this.#view === null || this.#imprint?.fits(this.#view) === true)
      return this.#described(NOTHING, this.#text, null)
    const now = this.#shape.encode(this.#view, this.#imprint?.untouched(this.#fragments(), this.#view))
    const text = joinFragments(now)
    if (this.#baseline === null && text === this.#text) return this.#described(NOTHING, text, now)
    const patch = new Map<string, Change>()
    for (const key of new Set([...this.#fragments().keys(), ...now.keys()])) {
      const change = this.#change(key, now.get(key) ?? null)
      if (change !== null) patch.set(key, change)
    }
    if (patch.size > 0) this.#shape.validate(this.#view)
    return this.#described(patch, text, now)
  }

  /**
   * These changes were committed, and `committed` is what is stored now: later changes are measured from here. What was
   * changed while the commit ran stays to be committed.
   */
  settle(changes: Changes, committed: string): void {
    this.#text = committed
    if (this.#view === null) return
    this.#partial = committed !== changes.text
    this.#imprint = null
    this.#opened = null
    this.#baseline = changes.parts ?? splitFragments(changes.text)
    if (this.#chains.size === 0) return
    const stored = splitFragments(committed)
    for (const [key, change] of changes.patch) this.#rebase(key, change, stored.get(key) ?? null)
    // What a plain change has followed is no chain to go on with.
    for (const [key, chain] of this.#chains) if (chain.result !== this.#encode(key)) this.#chains.delete(key)
  }

  /** Shows what became of an update on the stored value, and puts updates called since on top of that. */
  #rebase(key: string, change: Change, stored: string | null): void {
    const chain = this.#chains.get(key)
    if (chain === undefined) return
    if (change.type === 'set') {
      if (chain.from === undefined) this.#chains.delete(key)
      else if (chain.from === stored) this.#chains.set(key, { updaters: chain.updaters, result: chain.result })
      return
    }
    if (chain !== change.chain) return
    this.#chains.delete(key)
    if (this.#encode(key) !== chain.result) return
    const since = chain.updaters.slice(change.updaters.length)
    if (this.#original(key) !== stored) {
      this.#rewrite(key, stored)
      let value = this.#shape.decodeValue(stored)
      for (const updater of since) value = updater(value)
      assign(this.view, key, value)
    }
    if (since.length > 0) this.#chains.set(key, { updaters: since, result: this.#encode(key) })
  }

  #rewrite(key: string, text: string | null): void {
    if (text === null) this.#fragments().delete(key)
    else this.#fragments().set(key, text)
  }

  /** The chain that an update called now belongs to; a plain change before it begins a new one. */
  #chainOn(key: string, before: string | null): Chain {
    const chain = this.#chains.get(key)
    const expected = chain === undefined ? this.#shown(key) : chain.result
    if (before !== expected) return { from: before, updaters: [], result: before }
    return chain ?? { updaters: [], result: before }
  }

  #described(patch: Patch, text: string, parts: Fragments | null): Changes {
    return { patch, text, base: this.#text, whole: !this.#partial, parts }
  }

  #change(key: string, text: string | null): Change | null {
    if (text === this.#original(key)) return null
    const chain = this.#chains.get(key)
    if (chain === undefined || chain.result !== text) return { type: 'set', text, was: this.#original(key) }
    const updaters = [...chain.updaters]
    return chain.from === undefined
      ? { type: 'update', updaters, chain }
      : { type: 'update', from: chain.from, updaters, chain }
  }

  #open(): Record<string, unknown> {
    const opened = this.#shape.open(this.#text, this.#version)
    if (opened.baseline !== undefined) {
      this.#baseline = opened.baseline
      this.#opened = this.#shape.encode(opened.view)
    } else if (this.#shape.isJson) {
      this.#imprint = new Imprint(opened.view)
    }
    return opened.view
  }

  #fragments(): Fragments {
    this.#baseline ??= splitFragments(this.#text)
    return this.#baseline
  }

  #shown(key: string): string | null {
    return this.#opened === null ? this.#original(key) : (this.#opened.get(key) ?? null)
  }

  #original(key: string): string | null {
    return this.#fragments().get(key) ?? null
  }

  #encode(key: string): string | null {
    return this.#shape.encodeValue(this.view[key], key)
  }
}

/** Outcome of {@link applyPatch}: the merged text, and the keys where a plain change replaced somebody else's. */
export interface Applied {
  readonly text: string
  readonly overwritten: readonly string[]
}

/** Re-applies a patch to data that has changed since: plain changes win, `update` functions run again. */
export function applyPatch(patch: Patch, current: string, shape: DataShape): Applied {
  const fragments = splitFragments(current)
  const overwritten: string[] = []
  for (const [key, change] of patch) {
    const there = fragments.get(key) ?? null
    const text = change.type === 'set' ? change.text : rerun(change, key, there, shape)
    if (change.type === 'set' && there !== change.was && there !== text) overwritten.push(key)
    if (text === null) fragments.delete(key)
    else fragments.set(key, text)
  }
  return { text: joinFragments(fragments), overwritten }
}

/** The changes applied to `current`, without running anything again where the draft has seen all of it. */
export function mergeChanges(changes: Changes, current: string, shape: DataShape): Applied {
  if (changes.whole && current === changes.base) return { text: changes.text, overwritten: [] }
  const merged = applyPatch(changes.patch, current, shape)
  shape.validateMerged(merged.text)
  return merged
}

function rerun(
  change: Extract<Change, { type: 'update' }>,
  key: string,
  there: string | null,
  shape: DataShape,
): string | null {
  let value = shape.decodeValue(change.from === undefined ? there : change.from)
  for (const updater of change.updaters) value = updater(value)
  return shape.encodeValue(value, key)
}

function assign(view: Record<string, unknown>, key: string, value: unknown): void {
  if (value instanceof Promise) {
    throw new ValueError(key, 'an update function must return the new value at once, not a promise')
  }
  if (value === undefined) delete view[key]
  else view[key] = value
}

/** The text of the named keys alone. */
export function pickKeys(text: string, keys: readonly string[]): string {
  const fragments = splitFragments(text)
  return joinFragments(new Map([...fragments].filter(([key]) => keys.includes(key))))
}

/** The keys of the text that {@link pickKeys} leaves out. */
export function dropKeys(text: string, keys: readonly string[]): string[] {
  return [...splitFragments(text).keys()].filter((key) => !keys.includes(key))
}
