"use client"

import { useDeferredValue, useMemo, useState } from "react"

import { Comparison } from "@/components/market/comparison"
import { Filters } from "@/components/market/filters"
import { OfferTable } from "@/components/market/offer-table"
import { Button } from "@/components/ui/button"
import { Notice } from "@/components/ui/notice"
import { useAgents } from "@/hooks/use-agents"
import { words } from "@/lib/errors"
import { isShown, offerOf, type Wanted } from "@/lib/offers"
import { t } from "@/texts/en"

const FIRST: Wanted = {
  cpu_millis: 1000,
  memory_mib: 256,
  egress_kib_s: 0,
  seconds: 3600,
  gpu: false,
  runtime: "",
  text: "",
  onlyFitting: false,
}

export function Marketplace() {
  const [wanted, setWanted] = useState(FIRST)
  const [compared, setCompared] = useState<ReadonlySet<string>>(new Set())
  const agents = useAgents()
  const settled = useDeferredValue(wanted) // typing never waits for the table
  const offers = useMemo(() => (agents.data ?? []).map((agent) => offerOf(agent, settled)), [agents.data, settled])
  const shown = useMemo(() => offers.filter((offer) => isShown(offer, settled)), [offers, settled])
  const toggle = (address: string) =>
    setCompared((was) => {
      const next = new Set(was)
      if (!next.delete(address)) next.add(address)
      return next
    })
  return (
    <div className="space-y-5">
      <div>
        <h1 className="text-2xl font-bold">{t.market.title}</h1>
        <p className="text-soft mt-1 max-w-2xl">{t.market.intro}</p>
      </div>
      <Filters wanted={wanted} onChange={setWanted} />
      {agents.error && (
        <Notice tone="bad">
          {words(agents.error)} {agents.data && t.common.stale}{" "}
          <Button onClick={() => void agents.refetch()}>{t.common.retry}</Button>
        </Notice>
      )}
      <Comparison
        offers={offers.filter((offer) => compared.has(offer.agent.agent))}
        onClear={() => setCompared(new Set())}
      />
      <p className="text-soft text-sm" role="status">
        {agents.isPending ? t.common.loading : t.market.count(shown.length, offers.length)}
      </p>
      {!agents.isPending && shown.length === 0 && (
        <Notice>{offers.length === 0 ? t.market.empty : t.market.emptyFilter}</Notice>
      )}
      {shown.length > 0 && <OfferTable offers={shown} compared={compared} onCompare={toggle} />}
    </div>
  )
}
