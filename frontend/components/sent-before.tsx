"use client"

import { useQueryClient } from "@tanstack/react-query"
import { useEffect, useState } from "react"

import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { useTransaction } from "@/hooks/use-transaction"
import { spaced } from "@/lib/format"
import { forget, onLeft, untold, type Sent } from "@/lib/sent"
import { t } from "@/texts/en"

/** What was sent before this page was loaded or turned to, and what became of it. */
export function SentBefore() {
  const [all, setAll] = useState<Sent[]>([])
  useEffect(() => {
    const look = () =>
      setAll((were) => [...were, ...untold().filter((one) => !were.some(({ hash }) => hash === one.hash))])
    look()
    return onLeft(look)
  }, [])
  return all.map((one) => (
    <Outcome
      key={one.hash}
      sent={one}
      onClose={() => {
        forget(one.hash)
        setAll((were) => were.filter((other) => other !== one))
      }}
    />
  ))
}

function Outcome({ sent: { hash, call }, onClose }: { sent: Sent; onClose: () => void }) {
  const queries = useQueryClient()
  const { stage, run } = useTransaction()
  useEffect(() => {
    void run(async (tell) => {
      await tell.sent(hash, call)
      await queries.invalidateQueries()
    })
  }, [call, hash, queries, run])
  return (
    <section aria-label={t.tx.before} className="mb-5 flex items-start gap-3">
      <div className="min-w-0 grow space-y-1">
        <p className="text-sm font-medium">
          {t.tx.before}: {spaced(call)}
        </p>
        <TxStage stage={stage} />
        {stage.at === "mined" && call === "approve" && <p className="text-soft text-sm">{t.tx.onlyAllowed}</p>}
      </div>
      <Button onClick={onClose} aria-label={t.common.close}>
        ✕
      </Button>
    </section>
  )
}
