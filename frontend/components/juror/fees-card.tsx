"use client"

import { Card } from "@/components/ui/card"
import { Act } from "@/components/wallet/act"
import type { Court } from "@/hooks/use-court"
import { useSend } from "@/hooks/use-send"
import { percent } from "@/lib/court"
import { tokens } from "@/lib/money"
import { courtAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** What judging has earned, and what it is paid and fined by. */
export function FeesCard({ court }: { court: Court }) {
  const { send } = useSend()
  return (
    <Card title={t.juror.feesTitle}>
      <div className="space-y-3">
        <p className="text-soft text-sm">
          {t.juror.feesWhy(percent(court.coherence), percent(court.penalty), tokens(court.seatStake))}
        </p>
        <Act
          label={t.juror.withdrawFees}
          kind={court.fees > 0n ? "main" : "plain"}
          disabled={court.fees === 0n}
          work={(tell) => send(tell, { address: court.court, abi: courtAbi, functionName: "withdrawFees", args: [] })}
        />
      </div>
    </Card>
  )
}
