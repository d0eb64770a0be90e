/* Sorting of tables by their headers, and folded parts opened on paper. The page needs neither. */
(function () {
	'use strict';

	/* What a cell sorts by: a number for columns of numbers, with marks and dashes taken off. */
	function keyOf(cell, numeric) {
		var text = cell ? cell.textContent.replace(/\n$/, '') : '';
		if (!numeric) {
			return text.toLowerCase();
		}
		var exact = cell.getAttribute('data-v') || text.replace(/^(>=|~)/, '');
		if (/^-?[0-9]+$/.test(exact)) {
			return BigInt(exact);
		}
		var number = parseFloat(exact);
		return isNaN(number) ? -Infinity : number;
	}

	function sort(table, heading, column, numeric) {
		var body = table.tBodies[0];
		var now = heading.getAttribute('aria-sort');
		/* numbers begin with the largest, words with the first */
		var up = now ? now === 'descending' : !numeric;
		var rows = Array.prototype.map.call(body.rows, function (row) {
			return { row: row, key: keyOf(row.cells[column], numeric) };
		});
		rows.sort(function (a, b) {
			var order = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
			return up ? order : -order;
		});
		var sorted = document.createDocumentFragment();
		rows.forEach(function (entry) {
			sorted.appendChild(entry.row);
		});
		body.appendChild(sorted);
		Array.prototype.forEach.call(heading.parentNode.cells, function (other) {
			other.removeAttribute('aria-sort');
		});
		heading.setAttribute('aria-sort', up ? 'ascending' : 'descending');
	}

	function makeSortable(table) {
		Array.prototype.forEach.call(table.tHead.rows[0].cells, function (heading, place) {
			var key = heading.getAttribute('data-k');
			var numeric = heading.hasAttribute('data-n');
			var button = document.createElement('button');
			button.type = 'button';
			button.textContent = heading.textContent;
			heading.textContent = '';
			heading.appendChild(button);
			button.addEventListener('click', function () {
				sort(table, heading, key ? key - 1 : place, numeric);
			});
		});
	}

	Array.prototype.forEach.call(document.querySelectorAll('table.sort'), makeSortable);

	var opened = [];
	window.addEventListener('beforeprint', function () {
		opened = Array.prototype.filter.call(document.querySelectorAll('details'), function (fold) {
			return !fold.open;
		});
		opened.forEach(function (fold) { fold.open = true; });
	});
	window.addEventListener('afterprint', function () {
		opened.forEach(function (fold) { fold.open = false; });
	});

	/* A link to a folded part opens it. */
	function unfold() {
		var target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
		if (target && target.tagName === 'DETAILS') {
			target.open = true;
		}
	}
	window.addEventListener('hashchange', unfold);
	unfold();
}());
