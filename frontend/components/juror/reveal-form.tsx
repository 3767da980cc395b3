"use client"

import { useId, useState } from "react"
import type { Address } from "viem"

import { useBallot } from "@/components/juror/saved-ballot"
import { CONTROL } from "@/components/ui/field"
import { Notice } from "@/components/ui/notice"
import { Act } from "@/components/wallet/act"
import type { Court } from "@/hooks/use-court"
import { useSend } from "@/hooks/use-send"
import { dropBallot } from "@/lib/ballots"
import { commitmentOf, percent, readBallot, type Ballot, type Case } from "@/lib/court"
import { courtAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

interface Props {
  one: Case
  mine: NonNullable<Case["mine"]>
  court: Court
  juror: Address
}

const MOST_BYTES = 10_000

/** The vote is shown: from what this browser has kept, or from the file. */
export function RevealForm({ one, mine, court }: Props) {
  const { send } = useSend()
  const id = useId()
  const kept = useBallot(mine.commitment).data ?? null
  const [given, setGiven] = useState<Ballot | null>(null)
  const [fault, setFault] = useState("")
  const ballot = given ?? kept
  const take = async (file: File | undefined) => {
    if (!file) return
    const found = file.size <= MOST_BYTES ? readBallot(await file.text()) : null
    const fits = found !== null && commitmentOf(found) === mine.commitment
    setGiven(fits ? found : null)
    setFault(found === null ? t.juror.noBallot : fits ? "" : t.contract.errors.WrongCommitment)
  }
  if (BigInt(mine.commitment) === 0n) return <Notice tone="bad">{t.juror.tooLate}</Notice>
  if (mine.revealed) return <Notice tone="good">{t.juror.revealed(percent(mine.share))}</Notice>
  return (
    <div className="border-line space-y-3 border-t pt-4">
      <h3 className="text-sm font-semibold">{t.juror.reveal}</h3>
      {ballot ? (
        <Notice tone="good">{t.juror.voteIs(percent(ballot.share))}</Notice>
      ) : (
        <Notice tone="warn">{t.juror.needBallot}</Notice>
      )}
      <div>
        <label htmlFor={id} className="mb-1 block text-sm font-medium">
          {t.juror.saltGiven}
        </label>
        <input
          id={id}
          type="file"
          accept=".json,application/json"
          className={`${CONTROL} max-w-md`}
          onChange={(event) => void take(event.target.files?.[0])}
        />
      </div>
      {fault && <Notice tone="bad">{fault}</Notice>}
      <Act
        label={t.juror.reveal}
        disabled={ballot === null}
        work={async (tell) => {
          if (ballot === null) return
          await send(tell, {
            address: court.court,
            abi: courtAbi,
            functionName: "reveal",
            args: [BigInt(one.id), BigInt(ballot.share), `0x${ballot.salt}`],
          })
          await dropBallot(ballot).catch(() => undefined)
        }}
      />
    </div>
  )
}
