// A page on which something is still being done looks again by itself, unless somebody is in the middle of a form.
const again = document.querySelector("[data-again]");
if (again) {
  setInterval(() => {
    if (!document.querySelector("details.sure[open]")) window.location.reload();
  }, Number(again.dataset.again));
}
