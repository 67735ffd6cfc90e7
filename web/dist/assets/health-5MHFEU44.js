import{a,b}from"./chunk-M3WAV7DT.js";import"./chunk-VMRFQR4G.js";import"./chunk-EQKCVPWZ.js";export{a as Disk,b as Health};
