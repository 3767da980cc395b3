"use client"

import { useMemo, useState } from "react"
import type { Address } from "viem"

import { Choice } from "@/components/usage/choice"
import { NamesCard } from "@/components/usage/names-card"
import { TimeCard } from "@/components/usage/time-card"
import { Button } from "@/components/ui/button"
import { Stat } from "@/components/ui/card"
import { Notice } from "@/components/ui/notice"
import { useNow } from "@/hooks/use-now"
import { MOST, useSpending } from "@/hooks/use-spending"
import type { Spent } from "@/lib/api"
import { download } from "@/lib/download"
import { words } from "@/lib/errors"
import { short } from "@/lib/format"
import { byKey, MEASURES, overTime, RANGES, spendingCsv, told, totalOf, type Days, type Measure } from "@/lib/spending"
import { t } from "@/texts/en"

const MINUTE_MS = 60_000

/** What one side's reports have moved, as charts, tables and a file: a consumer's spending, or a provider's earnings. */
export function Spending({ side, address }: { side: "consumer" | "provider"; address: Address }) {
  const [days, setDays] = useState<Days>(7)
  const [measure, setMeasure] = useState<Measure>("money")
  const found = useSpending(side, address, days)
  const all = found.data ?? []
  const save = () => download(`draas-${side}-${days}-days.csv`, [spendingCsv(all)], "text/csv;charset=utf-8")
  return (
    <div className="space-y-5">
      <div className="flex flex-wrap items-end gap-3">
        <Choice label={t.usage.range} of={RANGES} value={days} name={(one) => t.usage.days(one)} onChange={setDays} />
        <Choice
          label={t.usage.measure}
          of={MEASURES}
          value={measure}
          name={(one) => t.usage.measures[one]}
          onChange={setMeasure}
        />
        <Button onClick={save} disabled={all.length === 0}>
          {t.usage.csv}
        </Button>
      </div>
      {found.error && (
        <Notice tone="bad">
          {words(found.error)} {found.data && t.common.stale}
        </Notice>
      )}
      {found.isPending && <p className="text-soft">{t.common.loading}</p>}
      {found.data && all.length === 0 && <Notice>{side === "consumer" ? t.usage.empty : t.usage.noEarnings}</Notice>}
      {all.length >= MOST && <Notice tone="warn">{t.usage.cut(MOST)}</Notice>}
      {all.length > 0 && <Charts all={all} side={side} days={days} measure={measure} />}
    </div>
  )
}

interface ChartsProps {
  all: Spent[]
  side: "consumer" | "provider"
  days: Days
  measure: Measure
}

function Charts({ all, side, days, measure }: ChartsProps) {
  const now = useNow(MINUTE_MS)
  const time = useMemo(
    () => (now ? overTime(all, measure, days, Math.max(now / 1000, all[0]?.at ?? 0)) : []),
    [all, measure, days, now],
  )
  const jobs = useMemo(
    () =>
      byKey(
        all,
        measure,
        (one) => one.job_id,
        (one) => (one.name ? `${one.name} (${one.job_id.slice(2, 6)})` : short(one.job_id)),
        t.usage.others,
      ),
    [all, measure],
  )
  const parties = useMemo(() => {
    const other = (one: Spent) => (side === "consumer" ? one.provider : one.consumer)
    return byKey(all, measure, other, (one) => short(other(one)), t.usage.others)
  }, [all, measure, side])
  const unit = t.usage.units[measure]
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-3">
        <Stat name={`${t.usage.total}, ${t.usage.measures[measure].toLowerCase()}`}>
          <span data-fact="total">{told(totalOf(all, measure), measure)}</span> {unit}
        </Stat>
        <Stat name={t.usage.deployments}>{new Set(all.map((one) => one.job_id)).size}</Stat>
        <Stat name={t.usage.reports}>
          <span data-fact="reports">{all.length.toLocaleString("en-GB")}</span>
        </Stat>
      </div>
      <TimeCard title={side === "consumer" ? t.usage.over : t.usage.earnedOver} bars={time} measure={measure} />
      <div className="grid gap-5 lg:grid-cols-2">
        <NamesCard title={t.usage.byDeployment} bars={jobs} measure={measure} />
        <NamesCard
          title={side === "consumer" ? t.usage.byProvider : t.usage.byConsumer}
          bars={parties}
          measure={measure}
        />
      </div>
    </>
  )
}
