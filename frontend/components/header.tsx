"use client"

import Link from "next/link"
import { usePathname } from "next/navigation"

import { Head } from "@/components/market-link"
import { ThemeSwitch } from "@/components/theme-switch"
import { Connect } from "@/components/wallet/connect"
import { t } from "@/texts/en"

const PAGES = [
  ["/", t.nav.market],
  ["/post", t.nav.post],
  ["/deployments", t.nav.deployments],
  ["/usage", t.nav.usage],
  ["/provider", t.nav.provider],
  ["/juror", t.nav.juror],
] as const

export function Header() {
  const path = usePathname()
  return (
    <header className="bg-card border-line border-b">
      <div className="mx-auto flex max-w-7xl flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3 sm:px-6">
        <Link href="/" className="text-ink text-lg font-bold">
          {t.name}
        </Link>
        <nav
          aria-label={t.nav.label}
          className="order-last -mx-2 flex w-full flex-wrap gap-x-1 sm:order-none sm:w-auto"
        >
          {PAGES.map(([href, name]) => {
            const here = href === "/" ? path === "/" : path.startsWith(href)
            return (
              <Link
                key={href}
                href={href}
                aria-current={here ? "page" : undefined}
                className={`rounded-md px-2 py-2 text-sm whitespace-nowrap ${here ? "text-brand font-semibold" : "text-ink hover:text-brand"}`}
              >
                {name}
              </Link>
            )
          })}
        </nav>
        <div className="ml-auto flex items-center gap-2">
          <Head />
          <ThemeSwitch />
          <Connect />
        </div>
      </div>
    </header>
  )
}
