"use client"

import { useState } from "react"

import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { Field } from "@/components/ui/field"
import { Guard } from "@/components/wallet/guard"
import { useEscrow } from "@/hooks/use-escrow"
import type { Deployment } from "@/lib/api"
import { parseTokens } from "@/lib/money"
import { t } from "@/texts/en"

/** Add to a deployment's deposit. */
export function TopUp({ deployment }: { deployment: Deployment }) {
  const [text, setText] = useState("")
  const { stage, busy, topUp } = useEscrow(deployment)
  const amount = parseTokens(text)
  const isGood = amount !== null && amount > 0n
  return (
    <form
      className="space-y-3"
      onSubmit={(event) => {
        event.preventDefault()
        if (isGood && !busy) void topUp(amount).then((done) => done && setText(""))
      }}
    >
      <p className="text-sm">{t.deployment.topUpWhy}</p>
      <Field
        label={t.deployment.topUpAmount}
        inputMode="decimal"
        autoComplete="off"
        value={text}
        fault={text !== "" && !isGood ? t.deployment.noAmount : undefined}
        onChange={(event) => setText(event.target.value)}
      />
      <Guard need={amount ?? 0n} why={t.deployment.needWallet}>
        <Button kind="main" type="submit" disabled={busy || !isGood}>
          {t.deployment.topUp}
        </Button>
      </Guard>
      <TxStage stage={stage} />
    </form>
  )
}
