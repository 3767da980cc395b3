"use client"

import dynamic from "next/dynamic"

import { Card } from "@/components/ui/card"
import { told, type Bar, type Measure } from "@/lib/spending"
import { t } from "@/texts/en"

const Bars = dynamic(() => import("@/components/usage/bars"), {
  ssr: false,
  loading: () => <p className="text-soft text-sm">{t.common.loading}</p>,
})

interface Props {
  title: string
  bars: Bar[]
  measure: Measure
  along: "time" | "names"
}

/** A chart, and the same as a table for who cannot see it. */
export function BarCard({ title, bars, measure, along }: Props) {
  const unit = t.usage.units[measure]
  const what = `${title}: ${unit}`
  return (
    <Card title={title}>
      <div role="img" aria-label={what} className="min-w-0 overflow-x-clip">
        <Bars bars={bars} measure={measure} unit={unit} along={along} />
      </div>
      <details className="mt-2 text-sm">
        <summary className="text-soft min-h-6 cursor-pointer">{t.charts.table}</summary>
        <div className="mt-2 max-h-80 overflow-auto" tabIndex={0} role="region" aria-label={what}>
          <table className="w-full">
            <caption className="sr-only">{what}</caption>
            <thead>
              <tr className="border-line border-b text-left">
                <th scope="col" className="py-1 pr-3 font-semibold">
                  {along === "time" ? t.usage.when : t.usage.name}
                </th>
                <th scope="col" className="py-1 text-right font-semibold">
                  {unit}
                </th>
              </tr>
            </thead>
            <tbody>
              {bars.map((bar) => (
                <tr key={bar.key} className="border-line border-b last:border-0">
                  <th scope="row" className="py-1 pr-3 text-left font-normal break-all">
                    {bar.name}
                  </th>
                  <td className="py-1 text-right tabular-nums">{told(bar.amount, measure)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </Card>
  )
}
