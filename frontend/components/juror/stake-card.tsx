"use client"

import { useState } from "react"

import { Card } from "@/components/ui/card"
import { Field } from "@/components/ui/field"
import { Notice } from "@/components/ui/notice"
import { Act } from "@/components/wallet/act"
import type { Court } from "@/hooks/use-court"
import { useSend } from "@/hooks/use-send"
import { parseTokens, tokens } from "@/lib/money"
import { courtAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** More or less at stake: the chance to be drawn grows with it. */
export function StakeCard({ court }: { court: Court }) {
  const { send, sendWithTokens } = useSend()
  const [text, setText] = useState(tokens(court.seatStake).replaceAll("\u202f", ""))
  const amount = parseTokens(text)
  const known = amount !== null && amount > 0n
  const free = court.staked - court.locked
  const at = { address: court.court, abi: courtAbi } as const
  return (
    <Card title={t.juror.stakeTitle}>
      <div className="space-y-3">
        <p className="text-soft text-sm">{t.juror.stakeWhy(tokens(court.seatStake))}</p>
        <Field
          label={t.juror.amount}
          inputMode="decimal"
          autoComplete="off"
          className="max-w-60"
          value={text}
          fault={known ? undefined : t.juror.noAmount}
          onChange={(event) => setText(event.target.value)}
        />
        {court.draw && <Notice tone="warn">{t.juror.drawFirst}</Notice>}
        <div className="flex flex-wrap gap-3">
          <Act
            label={t.juror.stake}
            need={amount ?? 0n}
            disabled={!known || court.draw !== null}
            work={(tell) => sendWithTokens(tell, amount ?? 0n, { ...at, functionName: "stake", args: [amount ?? 0n] })}
          />
          <Act
            label={t.juror.unstake}
            kind="plain"
            disabled={!known || amount > free || court.draw !== null}
            work={(tell) => send(tell, { ...at, functionName: "unstake", args: [amount ?? 0n] })}
          />
        </div>
        <p className="text-soft text-sm">{t.juror.free(tokens(free))}</p>
      </div>
    </Card>
  )
}
