"use client"

import { TxLink } from "@/components/tx-link"
import { Notice } from "@/components/ui/notice"
import type { Stage } from "@/hooks/use-transaction"
import { t } from "@/texts/en"

/** Where a transaction is, in words. */
export function TxStage({ stage }: { stage: Stage }) {
  switch (stage.at) {
    case "idle":
      return null
    case "sign":
      return <Notice>{t.tx.sign}</Notice>
    case "confirm":
      return <Notice>{t.tx.confirm}</Notice>
    case "pending":
      return (
        <Notice tone="warn">
          {t.tx.pending} <TxLink hash={stage.hash} />
        </Notice>
      )
    case "mined":
      return (
        <Notice tone="good">
          {stage.replaced ? t.tx.replaced : t.tx.mined} <TxLink hash={stage.hash} />
        </Notice>
      )
    case "failed":
      return (
        <Notice tone="bad">
          {stage.why} {stage.hash && <TxLink hash={stage.hash} />}
        </Notice>
      )
  }
}
