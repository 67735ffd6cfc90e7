import{d as o}from"./chunk-V5KZCUB3.js";function e(t){return o("p",{children:t.route.view})}export{e as CallView};
