/** The page behind a share link: the player and nothing around it. */

import { Player } from "./player.js";

new Player(document.querySelector("[data-player]"));
