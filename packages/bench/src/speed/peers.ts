import type { Framework, FrameworkName, Library } from './subject.ts'

/** Where the peers are: the same from the sources and from the bundle. */
const folder = new URL('../../peers/', import.meta.url)

const load = async (file: string): Promise<Record<string, unknown>> => import(new URL(file, folder).href)

export const LIBRARIES = [
  'express-session',
  'iron-session',
  'fastify-session',
  'fastify-secure-session',
  'koa-session',
  'hono-sessions',
  'hono-session',
  'better-auth',
] as const

/** All libraries but ours. */
export async function peers(): Promise<Library[]> {
  const found: Library[] = []
  for (const name of LIBRARIES) {
    const { library, libraries = [library] } = await load(`libraries/${name}.mjs`)
    // Each file says that it exports these.
    found.push(...(libraries as Library[]))
  }
  return found
}

export async function frameworkOf(name: Exclude<FrameworkName, 'core'>): Promise<Framework> {
  return (await load(`frameworks/${name}.mjs`)).framework as Framework
}

/** A client of the package `redis`. */
export type Connection = object & { destroy(): void }

export async function connect(url: string): Promise<Connection> {
  const { connect: open } = await load('redis.mjs')
  return (open as (url: string) => Promise<Connection>)(url)
}

/** Loads a server with requests for some seconds. */
export type Load = (
  url: string,
  headers: Readonly<Record<string, string>>,
  seconds: number,
) => Promise<{ readonly perSecond: number; readonly failures: number }>

export const loadGenerator = async (): Promise<Load> => (await load('load.mjs')).load as Load

/** Draws a Vega-Lite chart as SVG. */
export type Draw = (chart: object) => Promise<string>

export const drawing = async (): Promise<Draw> => (await load('draw.mjs')).draw as Draw
