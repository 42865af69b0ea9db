var unused = 1;
if (unused == undefinedName) debugger;
