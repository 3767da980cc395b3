"use client"

import dynamic from "next/dynamic"

import { Card } from "@/components/ui/card"
import { told, type Bar, type Measure } from "@/lib/spending"
import { t } from "@/texts/en"

const Columns = dynamic(() => import("@/components/usage/columns"), {
  ssr: false,
  loading: () => <p className="text-soft h-60 text-sm">{t.common.loading}</p>,
})

/** How much of a measure in each hour or day: drawn, and as a table. */
export function TimeCard({ title, bars, measure }: { title: string; bars: Bar[]; measure: Measure }) {
  const unit = t.usage.units[measure]
  const what = `${title}: ${unit}`
  return (
    <Card title={title}>
      {bars.length > 0 && <Columns label={what} bars={bars} measure={measure} />}
      <details className="mt-2 text-sm">
        <summary className="text-soft min-h-6 cursor-pointer">{t.charts.table}</summary>
        <div className="mt-2 max-h-80 overflow-auto" tabIndex={0} role="region" aria-label={what}>
          <table className="w-full">
            <caption className="sr-only">{what}</caption>
            <thead>
              <tr className="border-line border-b text-left">
                <th scope="col" className="py-1 pr-3 font-semibold">
                  {t.usage.when}
                </th>
                <th scope="col" className="py-1 text-right font-semibold">
                  {unit}
                </th>
              </tr>
            </thead>
            <tbody>
              {bars.map((bar) => (
                <tr key={bar.key} className="border-line border-b last:border-0">
                  <th scope="row" className="py-1 pr-3 text-left font-normal">
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
