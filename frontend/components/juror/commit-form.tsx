"use client"

import { bytesToHex, type Address } from "viem"
import { useRef, useState } from "react"

import { SavedBallot } from "@/components/juror/saved-ballot"
import { Field } from "@/components/ui/field"
import { Notice } from "@/components/ui/notice"
import { Act } from "@/components/wallet/act"
import { useMarket } from "@/hooks/market"
import type { Court } from "@/hooks/use-court"
import { useSend } from "@/hooks/use-send"
import { keepBallot } from "@/lib/ballots"
import { ballotName, commitmentOf, parseShare, WHOLE, type Ballot, type Case } from "@/lib/court"
import { download } from "@/lib/download"
import { tokens } from "@/lib/money"
import { courtAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

interface Props {
  one: Case
  mine: NonNullable<Case["mine"]>
  court: Court
  juror: Address
  /** What the ruling parts, in base units. */
  frozen: bigint
}

/** A vote, sealed: the file that opens it is in the juror's hands before the chain is told anything. */
export function CommitForm({ one, mine, court, juror, frozen }: Props) {
  const { config } = useMarket()
  const { send } = useSend()
  const [text, setText] = useState("50")
  const last = useRef<Ballot | null>(null)
  const told = useRef<Ballot | null>(null)
  const share = parseShare(text)
  const toProvider = share === null ? 0n : (frozen * BigInt(share)) / BigInt(WHOLE)
  /** The same vote again, after a refusal in the wallet, is the same file. */
  const fillIn = (given: number): Ballot => {
    const known = last.current
    if (known && known.share === given && known.round === one.number && known.juror === juror) return known
    const salt = bytesToHex(crypto.getRandomValues(new Uint8Array(32))).slice(2)
    const ballot = {
      chain: config.chainId,
      court: court.court,
      dispute: one.id,
      round: one.number,
      juror,
      share: given,
      salt,
    }
    download(ballotName(ballot), [JSON.stringify(ballot)], "application/json")
    last.current = ballot
    return ballot
  }
  return (
    <div className="border-line space-y-3 border-t pt-4">
      <h3 className="text-sm font-semibold">{t.juror.vote}</h3>
      {BigInt(mine.commitment) !== 0n && <Notice tone="good">{t.juror.committed}</Notice>}
      <Field
        label={t.juror.share}
        hint={share === null ? undefined : t.juror.pays(tokens(toProvider, 9), tokens(frozen - toProvider, 9))}
        fault={share === null ? t.juror.noShare : undefined}
        inputMode="decimal"
        autoComplete="off"
        className="max-w-md"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <Notice tone="warn">{t.juror.saltWarning}</Notice>
      <p className="text-soft max-w-2xl text-sm">{t.juror.saltWhy}</p>
      <Act
        label={t.juror.commit}
        disabled={share === null}
        work={async (tell) => {
          if (share === null) return
          const ballot = fillIn(share)
          await keepBallot(ballot).catch(() => {
            if (told.current === ballot) return // then the juror has the file
            told.current = ballot
            throw new Error(t.juror.notKept)
          })
          await send(tell, {
            address: court.court,
            abi: courtAbi,
            functionName: "commit",
            args: [BigInt(one.id), commitmentOf(ballot)],
          })
        }}
      />
      <SavedBallot commitment={mine.commitment} />
    </div>
  )
}
