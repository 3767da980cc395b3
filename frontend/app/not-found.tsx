import Link from "next/link"

import { t } from "@/texts/en"

/** In the place of Next's own, whose inline styles the policy forbids. */
export default function NotFound() {
  return (
    <div className="space-y-3">
      <h1 className="text-2xl font-bold">{t.common.noPage}</h1>
      <Link href="/">{t.nav.market}</Link>
    </div>
  )
}
