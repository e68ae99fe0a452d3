// A signature drawn with finger, pen or mouse becomes a PNG data URL in a hidden field. Who cannot sign says why in words:
// [data-signature] holds canvas, input[type=hidden], [data-clear]; [data-cannot-sign] shows the typed way and empties the drawing.
const WIDTH = 3;

function setUp(root) {
  const canvas = root.querySelector("canvas"), field = root.querySelector('input[type="hidden"]');
  const pen = canvas.getContext("2d");
  let strokes = [], stroke = null;

  function draw() {
    const box = canvas.getBoundingClientRect(), scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(box.height * scale);
    pen.scale(scale, scale);
    Object.assign(pen, { lineWidth: WIDTH, lineCap: "round", lineJoin: "round", strokeStyle: getComputedStyle(canvas).color });
    for (const points of strokes) {
      pen.beginPath();
      points.forEach(([x, y], i) => (i ? pen.lineTo(x * box.width, y * box.height) : pen.moveTo(x * box.width, y * box.height)));
      if (points.length === 1) pen.lineTo(points[0][0] * box.width + 0.1, points[0][1] * box.height);
      pen.stroke();
    }
  }
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    stroke = [at(event)];
    strokes.push(stroke);
    draw();
  });
  canvas.addEventListener("pointermove", (event) => { if (stroke) { stroke.push(at(event)); draw(); } });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { if (stroke) { stroke = null; save(); } });

  // The kept picture is always dark ink on white, whatever the theme: it is printed on paper later.
  function save() {
    if (!strokes.length) { field.value = ""; return; }
    const paper = document.createElement("canvas");
    paper.width = 700;
    paper.height = Math.round((700 * canvas.clientHeight) / canvas.clientWidth) || 380;
    const ink = paper.getContext("2d");
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, paper.width, paper.height);
    Object.assign(ink, { lineWidth: 5, lineCap: "round", lineJoin: "round", strokeStyle: "#14211f" });
    for (const points of strokes) {
      ink.beginPath();
      points.forEach(([x, y], i) => (i ? ink.lineTo(x * paper.width, y * paper.height) : ink.moveTo(x * paper.width, y * paper.height)));
      ink.stroke();
    }
    field.value = paper.toDataURL("image/png");
  }
  function clear() { strokes = []; stroke = null; draw(); save(); }
  root.querySelector("[data-clear]")?.addEventListener("click", clear);

  const cannot = root.closest("form")?.querySelector("[data-cannot-sign]");
  const typed = cannot && document.getElementById(cannot.getAttribute("aria-controls"));
  cannot?.addEventListener("click", () => {
    const on = typed.hidden;
    typed.hidden = !on;
    root.hidden = on;
    cannot.setAttribute("aria-expanded", String(on));
    typed.querySelectorAll("input,select,textarea").forEach((e) => { e.disabled = !on; });
    if (on) { clear(); typed.querySelector("input,select,textarea")?.focus(); }
  });
  new ResizeObserver(draw).observe(canvas);
}
document.querySelectorAll("[data-signature]").forEach(setUp);
