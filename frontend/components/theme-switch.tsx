"use client"

import { useEffect, useState } from "react"

import { t } from "@/texts/en"

const THEMES = ["system", "light", "dark"] as const
type Theme = (typeof THEMES)[number]

export function ThemeSwitch() {
  const [theme, setTheme] = useState<Theme>("system")
  useEffect(() => {
    const kept = localStorage.getItem("theme")
    if (kept === "light" || kept === "dark") setTheme(kept)
  }, [])
  const choose = (next: Theme) => {
    setTheme(next)
    if (next === "system") {
      localStorage.removeItem("theme")
      delete document.documentElement.dataset["theme"]
    } else {
      localStorage.setItem("theme", next)
      document.documentElement.dataset["theme"] = next
    }
  }
  return (
    <select
      aria-label={t.theme.label}
      value={theme}
      onChange={(event) => choose(event.target.value as Theme)}
      className="bg-card border-line text-ink min-h-10 rounded-md border px-2 text-sm"
    >
      {THEMES.map((one) => (
        <option key={one} value={one}>
          {t.theme[one]}
        </option>
      ))}
    </select>
  )
}
