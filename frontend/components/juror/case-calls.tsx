"use client"

import type { Address } from "viem"

import { Act } from "@/components/wallet/act"
import { useMarket } from "@/hooks/market"
import type { Court } from "@/hooks/use-court"
import type { Dispute } from "@/hooks/use-dispute"
import { useSend } from "@/hooks/use-send"
import type { Case, Phase } from "@/lib/court"
import { at } from "@/lib/format"
import { tokens } from "@/lib/money"
import { courtAbi, escrowAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

interface Props {
  one: Case
  phase: Phase
  court: Court
  dispute: Dispute | null
  address: Address
  now: number
}

/** What a case waits for and anybody may do, and what only its parties may. */
export function CaseCalls({ one, phase, court, dispute, address, now }: Props) {
  const { config } = useMarket()
  const { send } = useSend()
  const id = BigInt(one.id)
  const at = { address: court.court, abi: courtAbi } as const
  const overdue = dispute?.isOpen === true && now > dispute.dueAt
  return (
    <>
      {phase === "Drawing" && (
        <div className="space-y-2">
          <Act
            label={t.juror.draw}
            disabled={!court.draw?.isPossible}
            work={(tell) => send(tell, { ...at, functionName: "draw", args: [] })}
          />
          {court.draw && court.draw.id !== one.id && (
            <p className="text-soft text-sm">{t.juror.drawOther(court.draw.id)}</p>
          )}
          {court.draw && !court.draw.isPossible && <p className="text-soft text-sm">{t.juror.drawSoon}</p>}
        </div>
      )}
      {phase === "Tallying" && (
        <Act label={t.juror.tally} work={(tell) => send(tell, { ...at, functionName: "tally", args: [id] })} />
      )}
      {phase === "Ruled" && (
        <Act
          label={t.juror.execute}
          work={(tell) => send(tell, { ...at, functionName: "executeRuling", args: [id] })}
        />
      )}
      {phase === "Appealable" && dispute?.isOpen && <Appeal id={id} dispute={dispute} address={address} now={now} />}
      {overdue && phase !== "Executed" && (
        <Act
          label={t.juror.ruleByDefault}
          kind="plain"
          work={(tell) =>
            send(tell, { address: config.escrow, abi: escrowAbi, functionName: "ruleByDefault", args: [id] })
          }
        />
      )}
    </>
  )
}

/** A party may have more jurors judge, at its cost. */
function Appeal({ id, dispute, address, now }: { id: bigint; dispute: Dispute; address: Address; now: number }) {
  const { config } = useMarket()
  const { send } = useSend()
  const parties = [dispute.consumer, dispute.provider, dispute.opener]
  const isParty = parties.some((one) => one.toLowerCase() === address.toLowerCase())
  if (!isParty || now > dispute.appealUntil) return null
  return (
    <div className="space-y-2">
      <p className="text-soft text-sm">
        {t.juror.appealWhy(tokens(dispute.appealCost), at(dispute.appealUntil * 1000))}
      </p>
      <Act
        label={t.juror.appeal}
        kind="plain"
        work={(tell) =>
          send(tell, {
            address: config.escrow,
            abi: escrowAbi,
            functionName: "appeal",
            args: [id],
            value: dispute.appealCost,
          })
        }
      />
    </div>
  )
}
