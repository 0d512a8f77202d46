import { parse, View } from 'vega'
import { compile } from 'vega-lite'

/** @param {object} chart a Vega-Lite chart @returns {Promise<string>} SVG */
export async function draw(chart) {
  const { spec } = compile(chart)
  const svg = await new View(parse(spec), { renderer: 'none' }).toSVG()
  return `${svg}\n`
}
