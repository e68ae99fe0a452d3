// A photo is shrunk on the phone before it is kept in the outbox: drawing it anew also drops where and with what it was
// taken. The file itself is then not sent. Without this file the form posts the photo as it is and the server re-encodes it.
const LONG_SIDE = 1280, QUALITY = 0.75;

async function shrink(root) {
  const input = root.querySelector('input[type="file"]'), kept = root.querySelector('input[type="hidden"]');
  const note = root.querySelector("[data-photo-note]");
  const file = input.files[0];
  kept.value = "";
  if (!file) return;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
    const paper = document.createElement("canvas");
    paper.width = Math.round(picture.width * scale);
    paper.height = Math.round(picture.height * scale);
    paper.getContext("2d").drawImage(picture, 0, 0, paper.width, paper.height);
    kept.value = paper.toDataURL("image/jpeg", QUALITY);
    note.textContent = `Photo kept, ${Math.round(kept.value.length * 0.75 / 1024)} KB, without place and device.`;
  } catch {
    input.value = "";
    note.textContent = "This photo cannot be read. Take it again.";
  }
}
document.querySelectorAll("[data-photo]").forEach((root) => {
  root.querySelector('input[type="file"]').addEventListener("change", () => shrink(root));
});
