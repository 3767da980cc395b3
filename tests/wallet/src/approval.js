// The window itself. What a site sent is text here and nothing else.
const element = (id) => document.getElementById(id)
const port = chrome.runtime.connect({ name: location.hash.slice(1) })

port.onMessage.addListener(({ title, origin, warning = "", lines = [], accounts = [] }) => {
  element("title").textContent = title
  element("origin").textContent = origin
  element("warning").textContent = warning
  for (const [name, text] of lines) {
    element("lines").append(
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: text }),
    )
  }
  element("accounts").hidden = accounts.length === 0
  accounts.forEach((account, index) => element("accounts").append(choice(account, index === 0)))
  element("confirm").onclick = () => answer(true)
  element("reject").onclick = () => answer(false)
})

function choice(account, checked) {
  const label = document.createElement("label")
  label.append(Object.assign(document.createElement("input"), { type: "checkbox", value: account, checked }), account)
  return label
}

function answer(confirmed) {
  const accounts = [...document.querySelectorAll("input:checked")].map((input) => input.value)
  port.postMessage({ confirmed, accounts })
  setTimeout(() => window.close(), 100) // a click is over before its window is
}
