"use client"

import { useEffect, useRef } from "react"
import uPlot from "uplot"
import "uplot/dist/uPlot.min.css"

import { t } from "@/texts/en"

const HEIGHT = 180

interface Props {
  label: string
  /** Unix seconds, and a value for each; null leaves a gap. */
  times: number[]
  values: (number | null)[]
  show: (value: number) => string
}

/** One line over time, drawn on a canvas: hundreds of new points a minute cost it nothing. */
export function LineChart({ label, times, values, show }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const latest = useRef<uPlot.AlignedData>([times, values])
  useEffect(() => {
    latest.current = [times, values]
    chart.current?.setData(latest.current)
  }, [times, values])
  useEffect(() => {
    const place = box.current
    if (!place) return
    const draw = () => {
      chart.current?.destroy()
      chart.current = new uPlot(options(label, place.clientWidth, show), latest.current, place)
    }
    draw()
    const size = new ResizeObserver(() => chart.current?.setSize({ width: place.clientWidth, height: HEIGHT }))
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
  }, [label, show])
  const last = values.findLast((value) => value !== null)
  return <div ref={box} role="img" aria-label={`${label}: ${last == null ? "–" : show(last)}`} className="min-w-0" />
}

/** Unix seconds as a time of the day. */
function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB")
}

function options(label: string, width: number, show: (value: number) => string): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const grid = { stroke: colour("--line"), width: 1 }
  const axis = { stroke: colour("--soft"), grid, ticks: grid, font: "12px system-ui" }
  return {
    width,
    height: HEIGHT,
    cursor: { y: false },
    scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, space: 90, values: (_, splits) => splits.map(clock) },
      { ...axis, size: 70, values: (_, splits) => splits.map(show) },
    ],
    series: [
      { label: t.charts.when, value: (_, value: number | null) => (value === null ? "–" : clock(value)) },
      {
        label,
        stroke: colour("--brand"),
        width: 2,
        points: { show: false },
        value: (_, value: number | null) => (value === null ? "–" : show(value)),
      },
    ],
  }
}
