"use client"

import { useCallback, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from "react"
import uPlot from "uplot"

import { axisWidth, Plot, type Look, type Settings } from "@/components/ui/plot"
import { drawn, told, type Bar, type Measure } from "@/lib/spending"
import { t } from "@/texts/en"

const HEIGHT = 240
const NAME_PX = 64
const COLUMNS = uPlot.paths.bars?.({ size: [0.8, 28], radius: [0.15, 0] })

interface Props {
  label: string
  bars: Bar[]
  measure: Measure
}

/** Bars along time. The pointer, or the arrow keys, choose the one that is told. */
export default function Columns({ label, bars, measure }: Props) {
  const chart = useRef<uPlot | null>(null)
  const latest = useRef(bars)
  useLayoutEffect(() => {
    latest.current = bars // before the chart takes the new data, and asks for their names
  }, [bars])
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const data = useMemo<uPlot.AlignedData>(
    () => [bars.map((_, at) => at), bars.map((bar) => drawn(bar.amount, measure))],
    [bars, measure],
  )
  const options = useCallback((look: Look) => optionsOf(look, (at) => latest.current[at]?.name ?? "", setChosen), [])
  const choose = (at: number | null) => {
    const left = at === null ? -1 : (chart.current?.valToPos(at, "x") ?? -1)
    chart.current?.setCursor({ left, top: left < 0 ? -1 : 0 })
  }
  const move = (event: KeyboardEvent) => {
    const last = bars.length - 1
    const from = chosen?.at ?? last
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key]
    if (event.key === "Escape") choose(null)
    if (to === undefined) return
    event.preventDefault()
    choose(Math.min(last, Math.max(0, to)))
  }
  const at = Math.min(chosen?.at ?? bars.length, bars.length - 1)
  const one = bars[at]
  const amount = `${told(one?.amount ?? 0n, measure)} ${t.usage.units[measure]}`
  return (
    <div
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={bars.length - 1}
      aria-valuenow={at}
      aria-valuetext={`${one?.name}: ${amount}`}
      className="relative min-w-0 rounded"
      onKeyDown={move}
      onFocus={(event) => event.target.matches(":focus-visible") && choose(at)}
      onBlur={() => choose(null)}
    >
      <Plot data={data} height={HEIGHT} options={options} chart={chart} />
      {chosen && one && (
        <div
          className="bg-card border-line pointer-events-none absolute top-0 -translate-x-1/2 rounded-md border px-2 py-1 text-center text-xs whitespace-nowrap shadow-sm"
          style={{ left: `clamp(5rem, ${chosen.left}px, calc(100% - 5rem))` }}
          data-chosen={chosen.at}
        >
          <div className="text-soft">{one.name}</div>
          <div className="font-semibold tabular-nums">{amount}</div>
        </div>
      )}
    </div>
  )
}

interface Chosen {
  at: number
  /** The middle of its column, in px from the left of the chart. */
  left: number
}

function optionsOf(
  { brand, axis }: Look,
  nameOf: (at: number) => string,
  tell: (chosen: Chosen | null) => void,
): Settings {
  return {
    legend: { show: false },
    padding: [12, 4, 0, 0],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: false, y: false },
      move: (plot, left, top) => [left < 0 ? left : plot.valToPos(plot.posToIdx(left), "x"), top],
    },
    scales: {
      x: { time: false, range: (_, low, high) => [low - 0.5, high + 0.5] },
      y: { range: (_, __, high) => [0, high > 0 ? high * 1.05 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 34,
        space: NAME_PX,
        incrs: [1, 2, 4, 7, 14, 28], // hours, or days
        values: (_, splits) => splits.map(nameOf),
      },
      { ...axis, size: axisWidth, values: (_, splits) => splits.map(figure) },
    ],
    series: [
      {},
      {
        fill: brand,
        width: 0,
        points: { show: false },
        ...(COLUMNS && { paths: COLUMNS }),
      },
    ],
    hooks: {
      init: [() => tell(null)],
      setCursor: [
        (plot) => {
          const at = plot.cursor.idx
          const isOver = at != null && (plot.cursor.left ?? -1) >= 0
          tell(isOver ? { at, left: plot.over.offsetLeft + plot.valToPos(at, "x") } : null)
        },
      ],
    },
  }
}

/** No longer than an axis has room for. */
function figure(value: number): string {
  return String(Number(value.toPrecision(4)))
}
