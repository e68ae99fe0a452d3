// A listbox driven from its input: arrows move, Enter chooses, Esc closes. Used by pickers here and by the palette.

export function listbox(input, list, choose, close) {
  const options = () => [...list.querySelectorAll('[role="option"]:not([aria-disabled="true"])')];
  const active = () => options().find((o) => o.getAttribute("aria-selected") === "true");
  function mark(option) {
    for (const o of options()) o.setAttribute("aria-selected", String(o === option));
    if (option) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
    else input.removeAttribute("aria-activedescendant");
  }
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(active());
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!all.length) return;
      event.preventDefault();
      mark(all[(at + (event.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1) + all.length) % all.length]);
    } else if (event.key === "Enter" && !event.ctrlKey && active() && !list.hidden) {
      event.preventDefault();
      choose(active());
    } else if (event.key === "Escape" && !list.hidden && close) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  // mousedown, not click: the input must not lose focus first
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest('[role="option"]:not([aria-disabled="true"])');
    if (!option) return;
    event.preventDefault();
    choose(option);
  });
  return { mark, options };
}

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

function setUp(root) {
  if (root.dataset.ready) return;
  root.dataset.ready = "yes";
  const input = root.querySelector('[role="combobox"]');
  const list = root.querySelector('[role="listbox"]');
  const value = root.querySelector("[data-combobox-value]");
  const status = root.querySelector("[data-combobox-status]");
  let timer, wanted = "";
  const open = (yes) => { list.hidden = !yes; input.setAttribute("aria-expanded", String(yes)); };
  const close = () => { open(false); box.mark(null); };
  const box = listbox(input, list, (option) => {
    value.value = option.dataset.value;
    input.value = option.dataset.text ?? option.textContent.trim();
    input.setAttribute("aria-invalid", "false");
    close();
    status.textContent = `${input.value} chosen`;
    value.dispatchEvent(new Event("change", { bubbles: true }));
  }, close);

  async function search() {
    const q = wanted = input.value.trim();
    let html;
    try {
      // In the body: what is typed here names a patient, and addresses are kept in histories and proxies' logs.
      const answer = await fetch(root.dataset.combobox, {
        method: "POST", body: new URLSearchParams({ q }), credentials: "same-origin", headers: { "X-CSRFToken": csrf(), "HX-Request": "true" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      html = await answer.text();
    } catch {
      status.textContent = "The search did not answer. Try again.";
      return;
    }
    if (q !== wanted) return; // an older answer came late
    list.innerHTML = html;
    const count = box.options().length;
    open(true);
    box.mark(box.options()[0] ?? null);
    status.textContent = count === 1 ? "1 result" : `${count} results`;
  }
  input.addEventListener("input", () => {
    value.value = ""; // what is written is no longer what was chosen
    clearTimeout(timer);
    timer = setTimeout(search, 150);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.hidden) { event.preventDefault(); search(); }
  });
  input.addEventListener("blur", close);
}

const setUpAll = (root) => root.querySelectorAll("[data-combobox]").forEach(setUp);
setUpAll(document);
document.addEventListener("htmx:load", (event) => setUpAll(event.detail.elt.parentElement ?? document));
