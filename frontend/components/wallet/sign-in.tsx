"use client"

import type { ReactNode } from "react"

import { Button } from "@/components/ui/button"
import { Notice } from "@/components/ui/notice"
import { useSession } from "@/hooks/use-session"
import { useWallet } from "@/hooks/use-wallet"
import { words } from "@/lib/errors"
import { t } from "@/texts/en"

/** What is private, for those who have signed in. */
export function SignedIn({ children }: { children: ReactNode }) {
  const { address } = useWallet()
  const { isSignedIn, isKnown, signIn } = useSession()
  if (isSignedIn) return children
  if (!address) return <Notice>{t.wallet.signInWhy}</Notice>
  if (!isKnown) return <Notice>{t.common.loading}</Notice>
  return (
    <div className="space-y-3">
      <Notice>{t.wallet.signInWhy}</Notice>
      <Button kind="main" disabled={signIn.isPending} onClick={() => signIn.mutate()}>
        {signIn.isPending ? t.tx.sign : t.wallet.signIn}
      </Button>
      {signIn.isSuccess && !signIn.isPending && <Notice tone="warn">{t.wallet.noCookie}</Notice>}
      {signIn.error && <Notice tone="bad">{words(signIn.error)}</Notice>}
    </div>
  )
}
