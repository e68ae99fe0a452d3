// Positions without inline styles: data-x, data-w, data-hr (percent) and data-n (percent, as a fraction) become the
// CSS variables --x, --w, --hr, --n. CSSOM is allowed under a strict style-src; a style attribute in HTML is not.
const NAMES = { x: "%", w: "%", hr: "%", n: "" };
const SELECTOR = "[data-x],[data-w],[data-hr],[data-n]";

function apply(element) {
  for (const [name, unit] of Object.entries(NAMES)) {
    const raw = element.dataset[name];
    if (raw === undefined || !Number.isFinite(Number(raw))) continue;
    const value = unit ? `${Number(raw)}${unit}` : String(Number(raw) / 100);
    if (element.style.getPropertyValue(`--${name}`) !== value) element.style.setProperty(`--${name}`, value);
  }
}

// A morph swap drops the style attribute that the server never sent, so "style" is watched as well.
new MutationObserver((records) => {
  for (const record of records) {
    if (record.type === "attributes") apply(record.target);
    for (const node of record.addedNodes) {
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      if (node.matches(SELECTOR)) apply(node);
      node.querySelectorAll(SELECTOR).forEach(apply);
    }
  }
}).observe(document.documentElement, {
  subtree: true, childList: true, attributes: true, attributeFilter: ["data-x", "data-w", "data-hr", "data-n", "style"],
});
document.querySelectorAll(SELECTOR).forEach(apply);
