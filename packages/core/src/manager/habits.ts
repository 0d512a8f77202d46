import { UseDataError } from '../errors.ts'

/**
 * A base class whose prototype refuses assignments: a set on a property that is missing walks up the prototype chain and
 * ends here, in sloppy scripts too. It costs nothing where the property exists.
 */
export const Habits: new () => object = function Habits() {} as unknown as new () => object

Habits.prototype = new Proxy(
  {},
  {
    set(_, property): never {
      throw new UseDataError(`session.${String(property)} = … is not kept. Assign to session.data.${String(property)}.`)
    },
  },
)

/** Where the method names of other session libraries lead to. */
const RIGHT_CALL: Readonly<Record<string, string>> = {
  destroy: 'session.signOut()',
  regenerate: 'session.signIn(subject), or session.rotate({ hard: true })',
  save: 'await session.commit()',
  reload: 'the next request; session.update(key, fn) changes a value that others change too',
  touch: 'nothing: a request that loads the session counts as activity',
  resetMaxAge: 'nothing: the idle timeout slides by itself',
  get: 'session.data',
  set: 'session.data',
}

/** Properties that other session libraries have, with other meanings. */
const FOREIGN = ['cookie', 'id', 'maxAge', 'isNew']

/**
 * Has the names of other session libraries, and assignments to what can only be read or called, throw with the right call.
 * All of it as accessors: an assignment to a data property would be ignored in a sloppy script.
 */
export function refuseHabits(prototype: object): void {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor') continue
    const instead =
      name === 'data' ? 'Assign its keys: Object.assign(session.data, …)' : 'Application data belongs into session.data'
    const set = refusal(`session.${name} cannot be assigned. ${instead}.`)
    // Frozen, because it serves every session: what is hung on it would be seen by all users.
    const { get = always(Object.freeze(property.value)) } = property
    Object.defineProperty(prototype, name, { get, set, enumerable: false, configurable: true })
  }
  for (const [name, call] of Object.entries(RIGHT_CALL)) {
    const refuse = refusal(`session.${name}() does not exist here. Use ${call}.`)
    Object.defineProperty(prototype, name, { get: () => refuse, set: refuse })
  }
  for (const name of FOREIGN) {
    const refuse = refusal(
      `session.${name} does not exist here. Cookie options belong to createSessions(); see session.handle, absoluteAt and idleAt.`,
    )
    Object.defineProperty(prototype, name, { get: refuse, set: refuse })
  }
}

function always(value: unknown): () => unknown {
  return () => value
}

/** Frozen, because one function serves every session: what is hung on it would be seen by all users. */
function refusal(message: string): () => never {
  return Object.freeze(() => {
    throw new UseDataError(message)
  })
}
