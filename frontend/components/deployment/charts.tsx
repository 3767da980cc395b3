"use client"

import dynamic from "next/dynamic"
import { useMemo, useState } from "react"

import { Button } from "@/components/ui/button"
import { Card } from "@/components/ui/card"
import { StateOf } from "@/components/ui/state-of"
import { useUsage } from "@/hooks/use-usage"
import { at, trimmed } from "@/lib/format"
import { tokens } from "@/lib/money"
import type { Moment } from "@/lib/series"
import { t } from "@/texts/en"

const LineChart = dynamic(() => import("@/components/deployment/line-chart").then((found) => found.LineChart), {
  ssr: false,
  loading: () => <p className="text-soft text-sm">{t.common.loading}</p>,
})
const TABLE_ROWS = 300

const fraction = (value: number) => trimmed(value, 3)
const whole = (value: number) => trimmed(value, 1)
const money = (value: number) => String(Number(value.toPrecision(4)))

/** What the deployment uses and costs, by the second. */
export function Charts({ jobId }: { jobId: string }) {
  const { moments, link } = useUsage(jobId)
  const [asTable, setAsTable] = useState(false)
  const lines = useMemo(() => linesOf(moments), [moments])
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <StateOf link={link} />
        <Button aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {t.charts.table}
        </Button>
      </div>
      {moments.length === 0 ? (
        <p className="text-soft text-sm">{link === "over" ? t.charts.none : t.charts.waiting}</p>
      ) : asTable ? (
        <Table moments={moments} />
      ) : (
        <div className="grid gap-4 lg:grid-cols-2" data-points={moments.length}>
          {lines.map(({ label, values, show }) => (
            <Card key={label} title={label} className="min-w-0">
              <LineChart label={label} times={lines[0]?.times ?? []} values={values} show={show} />
            </Card>
          ))}
        </div>
      )}
    </div>
  )
}

function linesOf(moments: Moment[]) {
  const times = moments.map((one) => one.at_ms / 1000)
  const line = (label: string, show: (value: number) => string, of: (one: Moment) => number | null) => ({
    label,
    show,
    times,
    values: moments.map(of),
  })
  return [
    line(t.charts.cpu, fraction, (one) => one.cores),
    line(t.charts.memory, whole, (one) => one.memory),
    line(t.charts.network, whole, (one) => one.network),
    line(t.charts.money, money, (one) => Number(one.money) / 1e18), // to draw, not to reckon with
  ]
}

function Table({ moments }: { moments: Moment[] }) {
  const names = [t.charts.when, t.charts.cpu, t.charts.memory, t.charts.network, t.charts.money]
  const value = (one: number | null, show: (value: number) => string) => (one === null ? "–" : show(one))
  const shown = moments.slice(-TABLE_ROWS).reverse()
  return (
    <div
      className="border-line bg-card max-h-[60vh] overflow-auto rounded-lg border"
      role="region"
      tabIndex={0}
      aria-label={t.deployment.tabs.charts}
    >
      <table className="w-full min-w-[40rem] text-sm tabular-nums">
        <thead className="bg-card sticky top-0">
          <tr className="border-line border-b text-left">
            {names.map((name) => (
              <th key={name} scope="col" className="px-3 py-2 font-semibold">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((one) => (
            <tr key={one.at_ms} className="border-line border-b last:border-0">
              <td className="px-3 py-1 whitespace-nowrap">{at(one.at_ms)}</td>
              <td className="px-3 py-1">{value(one.cores, fraction)}</td>
              <td className="px-3 py-1">{value(one.memory, whole)}</td>
              <td className="px-3 py-1">{value(one.network, whole)}</td>
              <td className="px-3 py-1">{tokens(one.money, 12)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
