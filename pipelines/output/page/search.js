const field = document.getElementById("search");
if (field) {
  const cards = [...document.querySelectorAll("#restaurants details")];
  const told = document.getElementById("found");
  field.parentElement.hidden = false;
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    const found = cards.filter((card) => !(card.hidden = !card.textContent.toLowerCase().includes(wanted)));
    told.textContent = wanted ? `${found.length} of ${cards.length} shown` : "";
  });
}
