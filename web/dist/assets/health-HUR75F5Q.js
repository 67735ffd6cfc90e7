import{a,b,c}from"./chunk-EBLM2EBT.js";import"./chunk-HS3TGUCE.js";import"./chunk-ZMVOBEE4.js";export{a as CLASSES,b as Disk,c as Health};
