"use client"

import { useCallback, useMemo } from "react"
import type uPlot from "uplot"

import { axisWidth, Plot, type Look, type Settings } from "@/components/ui/plot"
import { t } from "@/texts/en"

const HEIGHT = 180

interface Props {
  label: string
  /** Unix seconds, and a value for each; null leaves a gap. */
  times: number[]
  values: (number | null)[]
  show: (value: number) => string
}

/** One line over time. */
export function LineChart({ label, times, values, show }: Props) {
  const data = useMemo<uPlot.AlignedData>(() => [times, values], [times, values])
  const options = useCallback((look: Look) => optionsOf(look, label, show), [label, show])
  const last = values.findLast((value) => value !== null)
  return (
    <div role="img" aria-label={`${label}: ${last == null ? "–" : show(last)}`} className="min-w-0">
      <Plot data={data} height={HEIGHT} options={options} />
    </div>
  )
}

/** Unix seconds as a time of the day. */
function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB")
}

function optionsOf({ brand, axis }: Look, label: string, show: (value: number) => string): Settings {
  return {
    cursor: { y: false },
    scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, space: 90, values: (_, splits) => splits.map(clock) },
      { ...axis, size: axisWidth, values: (_, splits) => splits.map(show) },
    ],
    series: [
      { label: t.charts.when, value: (_, value: number | null) => (value === null ? "–" : clock(value)) },
      {
        label,
        stroke: brand,
        width: 2,
        points: { show: false },
        value: (_, value: number | null) => (value === null ? "–" : show(value)),
      },
    ],
  }
}
