import{a,b}from"./chunk-3EPSQERD.js";import"./chunk-UUYCF44Z.js";import"./chunk-ZELD22OO.js";import"./chunk-CKBNPOJT.js";import"./chunk-DGLGH364.js";export{a as Disk,b as Health};
