"use client"

import { useQuery } from "@tanstack/react-query"

import { Button } from "@/components/ui/button"
import { findBallot } from "@/lib/ballots"
import { ballotName } from "@/lib/court"
import { download } from "@/lib/download"
import { t } from "@/texts/en"

/** The vote that was committed to, when this browser has kept it. */
export function useBallot(commitment: string) {
  return useQuery({
    queryKey: ["ballot", commitment],
    enabled: BigInt(commitment) !== 0n,
    queryFn: () => findBallot(commitment).catch(() => null),
  })
}

/** Its file, once more. */
export function SavedBallot({ commitment }: { commitment: string }) {
  const ballot = useBallot(commitment).data
  if (!ballot) return null
  return (
    <Button onClick={() => download(ballotName(ballot), [JSON.stringify(ballot)], "application/json")}>
      {t.juror.saltFile}
    </Button>
  )
}
