"use strict";

document.querySelector("form").submit();
