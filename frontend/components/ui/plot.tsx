"use client"

import { useEffect, useRef, type RefObject } from "react"
import uPlot from "uplot"
import "uplot/dist/uPlot.min.css"

/** The page's colours, as a canvas takes them. */
export interface Look {
  brand: string
  axis: uPlot.Axis
}

export type Settings = Omit<uPlot.Options, "width" | "height">

interface Props {
  data: uPlot.AlignedData
  height: number
  /** Another function draws the chart anew; other data does not. */
  options: (look: Look) => Settings
  /** For who moves the chart's cursor. */
  chart?: RefObject<uPlot | null>
}

/** A chart on a canvas, as wide as its place and in the page's colours: hundreds of new points a minute cost it nothing. */
export function Plot({ data, height, options, chart: given }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const own = useRef<uPlot | null>(null)
  const chart = given ?? own
  const latest = useRef(data)
  useEffect(() => {
    latest.current = data
    chart.current?.setData(data)
  }, [chart, data])
  useEffect(() => {
    const place = box.current
    if (!place) return
    const draw = () => {
      chart.current?.destroy()
      chart.current = new uPlot({ ...options(lookNow()), width: place.clientWidth, height }, latest.current, place)
    }
    draw()
    const size = new ResizeObserver(() => chart.current?.setSize({ width: place.clientWidth, height }))
    size.observe(place)
    const theme = new MutationObserver(draw) // a canvas does not follow the page's colours by itself
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] })
    const dark = window.matchMedia("(prefers-color-scheme: dark)")
    dark.addEventListener("change", draw)
    return () => {
      size.disconnect()
      theme.disconnect()
      dark.removeEventListener("change", draw)
      chart.current?.destroy()
      chart.current = null
    }
  }, [chart, height, options])
  return <div ref={box} className="min-w-0" />
}

const LETTER_PX = 7
const AROUND_PX = 20

/** So wide that no figure beside an axis is cut. */
export function axisWidth(_: uPlot, figures: string[] | null): number {
  return Math.max(3, ...(figures ?? []).map((one) => one.length)) * LETTER_PX + AROUND_PX
}

function lookNow(): Look {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const grid = { stroke: colour("--line"), width: 1 }
  return {
    brand: colour("--brand"),
    axis: { stroke: colour("--soft"), grid, ticks: grid, font: `12px ${getComputedStyle(document.body).fontFamily}` },
  }
}
